/** IPv4, IPv6, or IPv4 under sockets of IPv6; and what a script says that is of one of them alone. */

import type { Position, Script, ScriptEvent } from '../language/syntax.ts';
import { icmpNumbers } from '../packets/icmp-numbers.ts';
import { ScriptError, UnsupportedError } from '../script-error.ts';
import { type Argument, isStruct, systemCall } from '../system/system-call.ts';
import { WORDS } from '../system/words.ts';
import type { Sysctl } from './commands.ts';

/** What `--ip_version` says; `ipv4-mapped-ipv6`: sockets of AF_INET6, IPv4 on the wire. */
export const IP_VERSIONS = ['ipv4', 'ipv6', 'ipv4-mapped-ipv6'] as const;

export type IpVersion = (typeof IP_VERSIONS)[number];

/** The version in the packets. */
export type WireVersion = 4 | 6;

/** What is on the wire. */
export function wireVersion(version: IpVersion): WireVersion {
  return version === 'ipv6' ? 6 : 4;
}

/** The version that a script names itself; undefined: it does not care. Throws `ScriptError`. */
export function versionOf({ options }: Script): IpVersion | undefined {
  const option = options.findLast(({ name }) => name === 'ip_version');
  if (option === undefined) return undefined;
  const known = IP_VERSIONS.find((each) => each === option.value);
  if (known !== undefined) return known;
  throw new ScriptError(`--ip_version is '${option.value}': use ${IP_VERSIONS.join(', ')}`, option.position);
}

/** Throws `UnsupportedError` for what the version does not have, and, if the script names none itself, for what is of IPv4 in it. */
export function checkVersion(script: Script, version: IpVersion, sysctls: readonly Sysctl[]): void {
  const wire = wireVersion(version);
  const own = versionOf(script) !== undefined;
  for (const { name, position } of wire === 6 ? sysctls : []) {
    if (/^net\.ipv4\.(ip_|icmp_|conf\.|route\.)/.test(name))
      throw new UnsupportedError(`the setting ${name} over IPv6`, position);
    if (!own && name === 'net.ipv4.tcp_fastopen_key')
      throw new UnsupportedError('cookies of IPv4 addresses over IPv6', position);
  }
  for (const event of script.events) {
    if (event.action.type === 'packet') checkPacket(event, wire);
    if (event.action.type !== 'call') continue;
    const { name, args } = systemCall(event.action, event.position);
    if (/^[gs]etsockopt$/.test(name)) checkOption(args, version, event.position);
    if (!own && version !== 'ipv4' && args.some(isIPv4Socket))
      throw new UnsupportedError('an address of IPv4 for a socket of IPv6', event.position);
  }
}

function isIPv4Socket(argument: Argument): boolean {
  return argument !== undefined && isStruct(argument) && argument.fields.has('sin_addr');
}

function checkPacket({ action, position }: ScriptEvent, wire: WireVersion): void {
  if (action.type !== 'packet') return;
  const { body, ip } = action;
  if (body.kind === 'icmp' && icmpNumbers(body, wire) === undefined)
    throw new UnsupportedError(
      `icmp ${body.typeName}${body.codeName === undefined ? '' : ` ${body.codeName}`} over IPv${wire}`,
      position,
    );
  if (wire === 6 && ip.wrong.includes('ip-checksum'))
    throw new UnsupportedError('badipsum over IPv6, whose header has no checksum', position);
  if (wire === 4 && ip.flowLabel !== undefined) throw new UnsupportedError('flow labels over IPv4', position);
  if (body.kind === 'raw' && wire === 6 && body.hex.startsWith('4'))
    throw new UnsupportedError('raw bytes of IPv4 over IPv6', position);
}

/** Options that set what only the other version's packets have, so that they would do nothing. */
function checkOption([, level]: readonly Argument[], version: IpVersion, position: Position): void {
  if (level === WORDS['SOL_IP'] && version === 'ipv6')
    throw new UnsupportedError('socket options of level SOL_IP over IPv6', position);
  if (level === WORDS['SOL_IPV6'] && version === 'ipv4')
    throw new UnsupportedError('socket options of level SOL_IPV6 over IPv4', position);
}
