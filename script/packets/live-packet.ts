/** A packet of the wire taken apart, byte by byte and without the stack's own reading: an expectation has to see everything. */

import { checksum, pseudoHeaderSum } from '../../stack/bytes/checksum.ts';
import type { Instant } from '../../stack/time.ts';
import { type IpAddress, IPV4_ANY, readIPv4, readIPv6 } from '../../stack/wire/address.ts';
import { KIND } from '../../stack/wire/tcp-options.ts';
import type { Flags } from '../language/syntax.ts';

/** A packet that the system under test sent. */
export interface LivePacket {
  readonly at: Instant;
  readonly bytes: Uint8Array;
  readonly ip: LiveIp;
  readonly tcp: LiveTcp | undefined;
  readonly icmp: { readonly type: number; readonly code: number; readonly checksumOk: boolean } | undefined;
  readonly udp: LiveUdp | undefined;
}

export interface LiveIp {
  readonly version: number;
  readonly source: IpAddress;
  readonly destination: IpAddress;
  /** Of IPv6: the next header, which may be an extension header. */
  readonly protocol: number;
  /** Or hop limit. */
  readonly ttl: number;
  /** Or traffic class. */
  readonly tos: number;
  /** 0 over IPv4. */
  readonly flowLabel: number;
  readonly headerLength: number;
  /** Header included. */
  readonly totalLength: number;
  /** Always over IPv6: no router cuts. */
  readonly dontFragment: boolean;
  /** More fragments, or an offset. */
  readonly fragment: boolean;
  readonly checksumOk: boolean;
}

export interface LiveUdp {
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly length: number;
}

export interface LiveTcp {
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly sequence: number;
  /** The field, whether or not the flag is set. */
  readonly ack: number;
  readonly flags: Flags;
  readonly reserved: number;
  readonly window: number;
  readonly urgent: number;
  readonly headerLength: number;
  readonly options: readonly LiveOption[];
  /** The options end in the middle of one. */
  readonly optionsBroken: boolean;
  readonly payload: Uint8Array;
  readonly checksumOk: boolean;
}

/** An option as on the wire; `nop` and `eol` have no data. */
export interface LiveOption {
  readonly kind: number;
  readonly data: Uint8Array;
}

const TCP = 6;
const ICMP = 1;
const UDP = 17;
const FRAGMENT = 44;
const ICMPV6 = 58;

/** Takes `bytes` apart; what is too short for its own header has no such part. */
export function readPacket(bytes: Uint8Array, at: Instant): LivePacket {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const ip = readIp(view, bytes);
  const head = ip.headerLength;
  const end = Math.min(ip.totalLength, bytes.length);
  const whole = ip.protocol >= 0 && !ip.fragment;
  const icmp = ip.protocol === (ip.version === 6 ? ICMPV6 : ICMP);
  return {
    at,
    bytes,
    ip,
    tcp: whole && ip.protocol === TCP && end - head >= 20 ? readTcp(view, bytes, ip, head, end) : undefined,
    icmp: whole && icmp && end - head >= 8 ? readIcmp(view, bytes, ip, head, end) : undefined,
    udp: whole && ip.protocol === UDP && end - head >= 8 ? readUdp(view, head) : undefined,
  };
}

function readIp(view: DataView, bytes: Uint8Array): LiveIp {
  const version = bytes.length >= 20 ? view.getUint8(0) >>> 4 : 0;
  if (version === 6 && bytes.length >= 40) return readIp6(view);
  if (version !== 4) return { ...NO_IP, version: bytes.length > 0 ? view.getUint8(0) >>> 4 : 0 };
  const headerLength = (view.getUint8(0) & 0xf) * 4;
  const fragment = view.getUint16(6);
  return {
    version,
    source: readIPv4(view, 12),
    destination: readIPv4(view, 16),
    protocol: view.getUint8(9),
    ttl: view.getUint8(8),
    tos: view.getUint8(1),
    flowLabel: 0,
    headerLength,
    totalLength: view.getUint16(2),
    dontFragment: (fragment & 0x4000) !== 0,
    fragment: (fragment & 0x3fff) !== 0,
    checksumOk: headerLength >= 20 && checksum(bytes, 0, Math.min(headerLength, bytes.length)) === 0,
  };
}

function readIp6(view: DataView): LiveIp {
  const first = view.getUint32(0);
  const protocol = view.getUint8(6);
  return {
    version: 6,
    source: readIPv6(view, 8),
    destination: readIPv6(view, 24),
    protocol,
    ttl: view.getUint8(7),
    tos: (first >>> 20) & 0xff,
    flowLabel: first & 0xf_ffff,
    headerLength: 40,
    totalLength: 40 + view.getUint16(4),
    dontFragment: true,
    fragment: protocol === FRAGMENT,
    checksumOk: true,
  };
}

const NO_IP: LiveIp = {
  version: 0,
  source: IPV4_ANY,
  destination: IPV4_ANY,
  protocol: -1,
  ttl: 0,
  tos: 0,
  flowLabel: 0,
  headerLength: 0,
  totalLength: 0,
  dontFragment: false,
  fragment: false,
  checksumOk: false,
};

function readTcp(view: DataView, bytes: Uint8Array, ip: LiveIp, head: number, end: number): LiveTcp {
  const word = view.getUint16(head + 12);
  const headerLength = (word >>> 12) * 4;
  const payloadAt = Math.min(Math.max(head + headerLength, head + 20), end);
  const { options, broken } = readOptions(bytes, head + 20, payloadAt);
  return {
    sourcePort: view.getUint16(head),
    destinationPort: view.getUint16(head + 2),
    sequence: view.getUint32(head + 4),
    ack: view.getUint32(head + 8),
    flags: readFlags(word),
    reserved: (word >>> 9) & 7,
    window: view.getUint16(head + 14),
    urgent: view.getUint16(head + 18),
    headerLength,
    options,
    optionsBroken: broken,
    payload: bytes.subarray(payloadAt, end),
    checksumOk: checksum(bytes, head, end, pseudoHeaderSum(ip.source, ip.destination, TCP, end - head)) === 0,
  };
}

function readFlags(word: number): Flags {
  return {
    fin: (word & 0x001) !== 0,
    syn: (word & 0x002) !== 0,
    rst: (word & 0x004) !== 0,
    psh: (word & 0x008) !== 0,
    ack: (word & 0x010) !== 0,
    urg: (word & 0x020) !== 0,
    ece: (word & 0x040) !== 0,
    cwr: (word & 0x080) !== 0,
    ae: (word & 0x100) !== 0,
  };
}

function readOptions(
  bytes: Uint8Array,
  from: number,
  to: number,
): { readonly options: LiveOption[]; readonly broken: boolean } {
  const options: LiveOption[] = [];
  for (let at = from; at < to; ) {
    const kind = bytes[at] ?? 0;
    if (kind === KIND.nop || kind === KIND.eol) {
      options.push({ kind, data: new Uint8Array(0) });
      at += 1;
      continue;
    }
    const length = bytes[at + 1] ?? 0;
    if (length < 2 || at + length > to) return { options, broken: true };
    options.push({ kind, data: bytes.slice(at + 2, at + length) });
    at += length;
  }
  return { options, broken: false };
}

function readIcmp(
  view: DataView,
  bytes: Uint8Array,
  ip: LiveIp,
  head: number,
  end: number,
): LivePacket['icmp'] {
  const pseudo = ip.version === 6 ? pseudoHeaderSum(ip.source, ip.destination, ICMPV6, end - head) : 0;
  return {
    type: view.getUint8(head),
    code: view.getUint8(head + 1),
    checksumOk: checksum(bytes, head, end, pseudo) === 0,
  };
}

function readUdp(view: DataView, head: number): LiveUdp {
  return {
    sourcePort: view.getUint16(head),
    destinationPort: view.getUint16(head + 2),
    length: view.getUint16(head + 4) - 8,
  };
}

/** The timestamps of a segment, if it has any. */
export function timestampsOf(
  options: readonly LiveOption[],
): { readonly value: number; readonly echo: number } | undefined {
  const found = options.find(({ kind, data }) => kind === KIND.timestamps && data.length === 8);
  if (found === undefined) return undefined;
  return { value: word32(found.data, 0), echo: word32(found.data, 4) };
}

/** The 32-bit number at `at`. */
export function word32(data: Uint8Array, at: number): number {
  return (
    (((data[at] ?? 0) << 24) |
      ((data[at + 1] ?? 0) << 16) |
      ((data[at + 2] ?? 0) << 8) |
      (data[at + 3] ?? 0)) >>>
    0
  );
}
