import { parseIcmp } from './parse-icmp.ts';
import { parseTcpOptions } from './parse-options.ts';
import { parseIpInfo } from './parse-ip-info.ts';
import { numberSpec } from './parse-number.ts';
import type { Scanner } from './scanner.ts';
import type { EncapsulatedBody, Flags, PacketAction, Ports, RawBody, TcpBody } from './syntax.ts';

const PORTS = /(\d+)\s*>\s*(\d+)/y;
const FLAGS = /[FSRPUEWA.\-0-7]+(?=[\s/])/y;
const SEQUENCE = /(\d+)\s*:\s*(\d+)\s*\(\s*(\d+)\s*\)(!?)/y;
const ANY_SEQUENCE = /(?:\.\.\.|\*)\s*\(\s*(\d+)\s*\)/y;
const ENCAPSULATION = /(ipv4|ipv6|gre|mpls)\b[^\n]*/y;
const LETTERS = 'FSRPUEWA.';

/** `> [ect0] conn a 8080 > 40000 P. 1:101(100) ack 1 win 500 <nop,nop,TS val 1 ecr 2>` */
export function parsePacket(scanner: Scanner): PacketAction {
  const direction = scanner.accept('<') ? 'in' : 'out';
  if (direction === 'out') scanner.expect('>', 'in front of a packet');
  const ip = parseIpInfo(scanner);
  const connection = scanner.acceptWord('conn') ? scanner.word('the name of a connection') : undefined;
  const base = { type: 'packet', direction, ip, connection } as const;
  const encapsulation = scanner.match(ENCAPSULATION);
  if (encapsulation !== undefined) {
    const body: EncapsulatedBody = { kind: 'encapsulated', name: encapsulation[1] ?? '' };
    return { ...base, ports: undefined, body };
  }
  if (scanner.acceptWord('icmp')) return { ...base, ports: undefined, body: parseIcmp(scanner) };
  if (scanner.acceptWord('raw')) return { ...base, ports: undefined, body: parseRaw(scanner) };
  if (scanner.acceptWord('udp')) {
    const ports = parsePorts(scanner);
    return { ...base, ports, body: { kind: 'udp', length: parenthesized(scanner) } };
  }
  const ports = parsePorts(scanner);
  return { ...base, ports, body: parseTcp(scanner, direction) };
}

/** `sport > dport`, if that comes next. */
export function parsePorts(scanner: Scanner): Ports | undefined {
  const match = scanner.match(PORTS);
  if (match === undefined) return undefined;
  const ports = { source: Number(match[1]), destination: Number(match[2]) };
  if (ports.source > 0xffff || ports.destination > 0xffff) scanner.fail('a port is at most 65535');
  return ports;
}

function parenthesized(scanner: Scanner): number {
  scanner.expect('(', 'in front of the payload length');
  const length = scanner.number('the payload length', 0xffff);
  scanner.expect(')', 'behind the payload length');
  return length;
}

function parseRaw(scanner: Scanner): RawBody {
  const [, hex = ''] = scanner.take(
    /"([0-9a-fA-F\s]*)"/y,
    'the bytes of an IP packet in hex: raw "45 00 ..."',
  );
  const digits = hex.replace(/\s/g, '');
  if (digits.length % 2 !== 0) scanner.fail('bytes have two hex digits each');
  return { kind: 'raw', hex: digits.toLowerCase() };
}

function parseTcp(scanner: Scanner, direction: 'in' | 'out'): TcpBody {
  const flags = parseFlags(scanner);
  const { sequence, length } = parseSequence(scanner, direction);
  const ack = scanner.acceptWord('ack') ? numberSpec(scanner, 'the ack number') : undefined;
  const windowAt = scanner.at;
  const window = scanner.acceptWord('win') ? numberSpec(scanner, 'the window', 0xffff) : undefined;
  const urgent = scanner.acceptWord('urg') ? scanner.number('the urgent pointer', 0xffff) : undefined;
  const options = parseTcpOptions(scanner, direction);
  const udp = scanner.accept('/udp') ? udpPorts(scanner) : undefined;
  if (direction === 'in') {
    if (window === undefined) scanner.fail('an inbound packet needs its window: win N', windowAt);
    if (ack === 'any' || window === 'any') scanner.fail('* is for outbound packets: give a number', windowAt);
  }
  return { kind: 'tcp', flags, sequence, length, ack, window, urgent, options, udp };
}

function udpPorts(scanner: Scanner): Ports {
  scanner.expect('(', 'in front of the UDP ports');
  const ports = parsePorts(scanner) ?? scanner.fail('expected the UDP ports: sport > dport');
  scanner.expect(')', 'behind the UDP ports');
  return ports;
}

function parseSequence(scanner: Scanner, direction: 'in' | 'out'): Pick<TcpBody, 'sequence' | 'length'> {
  scanner.skip();
  const start = scanner.at;
  const any = scanner.match(ANY_SEQUENCE);
  if (any !== undefined) {
    if (direction === 'in') scanner.fail('an inbound packet needs its numbers: start:end(length)', start);
    return { sequence: { mode: 'any', start: 0 }, length: Number(any[1]) };
  }
  const match = scanner.take(SEQUENCE, 'sequence numbers as start:end(length)');
  const [first, end, length] = [Number(match[1]), Number(match[2]), Number(match[3])];
  if (first > 0xffff_ffff || end > 0xffff_ffff) scanner.fail('a sequence number has 32 bits', start);
  if (length > 0xffff) scanner.fail('a packet has at most 65535 bytes of payload', start);
  if ((first + length) % 0x1_0000_0000 !== end)
    scanner.fail(
      `${first} and ${length} bytes make ${first + length}, not ${end}: end = start + length`,
      start,
    );
  return { sequence: { mode: match[4] === '!' ? 'absolute' : 'mapped', start: first }, length };
}

/** The run of letters up to the next blank. */
function parseFlags(scanner: Scanner): Flags {
  scanner.skip();
  const start = scanner.at;
  const [run] = scanner.take(FLAGS, 'TCP flags out of F S R P U E W A and . (- for none)');
  const letters = run === '-' ? '' : run;
  if (letters.includes('-')) scanner.fail('- means no flags and stands alone', start);
  const digits = letters.replace(/[^0-7]/g, '');
  if (digits.length > 1) scanner.fail('the ACE field is one digit', start);
  if (digits !== '' && /[EWA]/.test(letters))
    scanner.fail('the ACE digit stands for E, W and A: give one or the other', start);
  for (const letter of LETTERS) {
    if (letters.split(letter).length > 2) scanner.fail(`the flag ${letter} is there twice`, start);
  }
  const ace = Number(digits);
  return {
    fin: letters.includes('F'),
    syn: letters.includes('S'),
    rst: letters.includes('R'),
    psh: letters.includes('P'),
    ack: letters.includes('.'),
    urg: letters.includes('U'),
    ece: letters.includes('E') || (ace & 1) !== 0,
    cwr: letters.includes('W') || (ace & 2) !== 0,
    ae: letters.includes('A') || (ace & 4) !== 0,
  };
}
