/** Live packets in the script's language: what a line would have to say for this packet. */

import { formatAddress } from '../../stack/wire/address.ts';
import { KIND } from '../../stack/wire/tcp-options.ts';
import { formatFlags } from '../language/format.ts';
import { type LiveOption, type LivePacket, type LiveTcp, word32 } from './live-packet.ts';
import type { ScriptConnection } from './mapping.ts';

/** `P. 1:301(300) ack 1 win 502 <nop,nop,TS val 100 ecr 33>`; without a connection the numbers are the wire's. */
export function renderPacket(packet: LivePacket, connection: ScriptConnection | undefined): string {
  const { tcp, icmp, udp, ip } = packet;
  if (tcp !== undefined) return renderTcp(tcp, connection);
  if (icmp !== undefined) return `icmp type_${icmp.type} code_${icmp.code}`;
  if (udp !== undefined) return `udp ${udp.sourcePort} > ${udp.destinationPort} (${udp.length})`;
  return `IP version ${ip.version}, protocol ${ip.protocol}, ${packet.bytes.length} bytes, from ${formatAddress(ip.source)}`;
}

/** The segment as a script would say it. */
export function renderTcp(tcp: LiveTcp, connection: ScriptConnection | undefined): string {
  const { flags } = tcp;
  const start = connection === undefined ? tcp.sequence : connection.scriptLocal(tcp.sequence, flags.syn);
  const end = (start + tcp.payload.length) >>> 0;
  const parts = [formatFlags(flags), `${start}:${end}(${tcp.payload.length})`];
  if (flags.ack || tcp.ack !== 0) {
    parts.push(`ack ${connection === undefined ? tcp.ack : connection.scriptRemote(tcp.ack, flags.syn)}`);
  }
  parts.push(`win ${tcp.window}`);
  if (tcp.urgent !== 0) parts.push(`urg ${tcp.urgent}`);
  const options = renderOptions(tcp.options, connection, flags.syn);
  if (options !== '') parts.push(options);
  return parts.join(' ');
}

/** With brackets; nothing for none. */
export function renderOptions(
  options: readonly LiveOption[],
  connection: ScriptConnection | undefined,
  syn: boolean,
): string {
  if (options.length === 0) return '';
  return `<${options.map((option) => renderOption(option, connection, syn)).join(',')}>`;
}

/** One option. */
export function renderOption(
  { kind, data }: LiveOption,
  connection: ScriptConnection | undefined,
  syn: boolean,
): string {
  const hex = hexOf(data);
  switch (kind) {
    case KIND.nop:
      return 'nop';
    case KIND.eol:
      return 'eol';
    case KIND.mss:
      return data.length === 2 ? `mss ${((data[0] ?? 0) << 8) | (data[1] ?? 0)}` : `opt 2 ${hex}`;
    case KIND.windowScale:
      return data.length === 1 ? `wscale ${data[0]}` : `opt 3 ${hex}`;
    case KIND.sackPermitted:
      return data.length === 0 ? 'sackOK' : `opt 4 ${hex}`;
    case KIND.timestamps:
      return data.length === 8 ? renderTimestamps(data, connection) : `opt 8 ${hex}`;
    case KIND.sack:
      return `sack ${renderBlocks(data, connection, syn)}`;
    case KIND.md5:
      return `md5 ${hex}`;
    case KIND.fastOpen:
      return `FO ${hex}`.trim();
    default:
      return `opt ${kind} ${hex}`.trim();
  }
}

function renderTimestamps(data: Uint8Array, connection: ScriptConnection | undefined): string {
  const live = word32(data, 0);
  return `TS val ${connection?.scriptTimestamp(live) ?? live} ecr ${word32(data, 4)}`;
}

function renderBlocks(data: Uint8Array, connection: ScriptConnection | undefined, syn: boolean): string {
  const blocks: string[] = [];
  for (let at = 0; at + 8 <= data.length; at += 8) {
    const edges = [word32(data, at), word32(data, at + 4)];
    blocks.push(edges.map((edge) => connection?.scriptRemote(edge, syn) ?? edge).join(':'));
  }
  return blocks.join(' ');
}

/** Bytes as hex digits. */
export function hexOf(data: Uint8Array): string {
  return [...data].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
