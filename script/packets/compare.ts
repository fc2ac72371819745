/** An expected packet against a live one: every field that differs is named, with both values. */

import type { IpInfo, NumberSpec, PacketAction, TcpBody } from '../language/syntax.ts';
import { formatFlags, formatNumber } from '../language/format.ts';
import { compareOptions, type TimestampTolerance } from './compare-options.ts';
import { icmpNumbers } from './icmp-numbers.ts';
import type { LiveIp, LivePacket, LiveTcp } from './live-packet.ts';
import type { ScriptConnection } from './mapping.ts';

/** A field that is not as expected. */
export interface FieldDifference {
  readonly field: string;
  readonly expected: string;
  readonly actual: string;
}

const ECN_BITS = { noecn: [0], ect1: [1], ect0: [2], ce: [3], ect01: [1, 2] } as const;
const ECN_NAMES = ['noecn', 'ect1', 'ect0', 'ce'] as const;

/** All differences; none: the packet is the expected one (its time aside). */
export function comparePacket(
  expected: PacketAction,
  live: LivePacket,
  connection: ScriptConnection | undefined,
  tolerance: TimestampTolerance,
): FieldDifference[] {
  const found: FieldDifference[] = compareIp(expected.ip, live.ip, connection);
  const { body } = expected;
  const kind =
    live.tcp !== undefined
      ? 'tcp'
      : live.icmp !== undefined
        ? 'icmp'
        : live.udp !== undefined
          ? 'udp'
          : 'other';
  if (body.kind !== kind) return [{ field: 'protocol', expected: body.kind, actual: kind }, ...found];
  if (body.kind === 'tcp' && live.tcp !== undefined) {
    found.push(...comparePorts(expected, live.tcp), ...compareTcp(body, live.tcp, connection, tolerance));
  } else if (body.kind === 'icmp' && live.icmp !== undefined) {
    const numbers = icmpNumbers(body, live.ip.version === 6 ? 6 : 4);
    check(found, 'ICMP type', numbers?.type ?? body.typeName, live.icmp.type);
    check(found, 'ICMP code', numbers?.code ?? body.codeName ?? '', live.icmp.code);
  } else if (body.kind === 'udp' && live.udp !== undefined) {
    check(found, 'payload length', body.length, live.udp.length);
  }
  return found;
}

function compareIp(
  expected: IpInfo,
  live: LiveIp,
  connection: ScriptConnection | undefined,
): FieldDifference[] {
  const found: FieldDifference[] = [];
  if (expected.tos !== undefined) check(found, 'TOS', hex(expected.tos), hex(live.tos));
  if (expected.dscp !== undefined) check(found, 'DSCP', expected.dscp, live.tos >>> 2);
  if (expected.ecn !== undefined) {
    const allowed: readonly number[] = ECN_BITS[expected.ecn];
    const bits = live.tos & 3;
    if (!allowed.includes(bits)) found.push(difference('ECN', expected.ecn, ECN_NAMES[bits] ?? String(bits)));
  }
  if (expected.ttl !== undefined) check(found, 'TTL', expected.ttl, live.ttl);
  if (expected.flowLabel !== undefined) {
    const actual = connection?.scriptFlowLabel(live.flowLabel, expected.flowLabel) ?? live.flowLabel;
    check(found, 'flow label', flowLabel(expected.flowLabel), flowLabel(actual));
  }
  return found;
}

function comparePorts({ ports }: PacketAction, live: LiveTcp): FieldDifference[] {
  const found: FieldDifference[] = [];
  if (ports === undefined) return found;
  check(found, 'source port', ports.source, live.sourcePort);
  check(found, 'destination port', ports.destination, live.destinationPort);
  return found;
}

function compareTcp(
  expected: TcpBody,
  live: LiveTcp,
  connection: ScriptConnection | undefined,
  tolerance: TimestampTolerance,
): FieldDifference[] {
  const found: FieldDifference[] = [];
  const { syn } = live.flags;
  check(found, 'flags', formatFlags(expected.flags), formatFlags(live.flags));
  if (expected.sequence.mode === 'mapped') {
    const actual = connection?.scriptLocal(live.sequence, syn) ?? live.sequence;
    check(found, 'sequence number', expected.sequence.start, actual, live.sequence);
  } else if (expected.sequence.mode === 'absolute') {
    check(found, 'sequence number', expected.sequence.start, live.sequence);
  }
  check(found, 'payload length', expected.length, live.payload.length);
  compareAck(found, expected, live, connection);
  if (expected.window !== undefined) checkSpec(found, 'window', expected.window, live.window);
  check(found, 'urgent pointer', expected.urgent ?? 0, live.urgent);
  if (live.payload.some((byte) => byte !== 0))
    found.push(difference('payload', 'zeroes', 'bytes that are not zero'));
  found.push(...compareOptions(expected.options, live, connection, tolerance));
  return found;
}

function compareAck(
  found: FieldDifference[],
  expected: TcpBody,
  live: LiveTcp,
  connection: ScriptConnection | undefined,
): void {
  if (expected.ack === 'any') return;
  if (expected.ack === undefined) {
    check(found, 'ack number', 0, live.ack);
    return;
  }
  const actual = connection?.scriptRemote(live.ack, live.flags.syn) ?? live.ack;
  checkSpec(found, 'ack number', expected.ack, actual, live.ack);
}

function check(
  found: FieldDifference[],
  field: string,
  expected: string | number,
  actual: string | number,
  onWire?: number,
): void {
  if (expected === actual) return;
  const wire = onWire === undefined || onWire === actual ? '' : ` (${onWire} on the wire)`;
  found.push(difference(field, String(expected), `${actual}${wire}`));
}

function checkSpec(
  found: FieldDifference[],
  field: string,
  expected: NumberSpec,
  actual: number,
  onWire?: number,
): void {
  if (fits(expected, actual)) return;
  const wire = onWire === undefined || onWire === actual ? '' : ` (${onWire} on the wire)`;
  found.push(difference(field, formatNumber(expected), `${actual}${wire}`));
}

/** Whether `value` is what `spec` asks for. */
export function fits(spec: NumberSpec, value: number): boolean {
  return spec === 'any' || (value >= spec.min && value <= spec.max);
}

function difference(field: string, expected: string, actual: string): FieldDifference {
  return { field, expected, actual };
}

function hex(value: number): string {
  return `0x${value.toString(16).padStart(2, '0')}`;
}

function flowLabel(value: number): string {
  return `0x${value.toString(16).padStart(5, '0')}`;
}
