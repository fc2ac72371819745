/** Segments in the RFC's words: `<SEQ=1><ACK=1><CTL=SYN,ACK>`, with `<DATA=10>` bytes, and more where a test says so. */
import { PacketBuffer } from '../../../stack/bytes/packet-buffer.ts';
import { fastOpenOf } from '../../../stack/tcp/fast-open.ts';
import { seq } from '../../../stack/tcp/sequence.ts';
import { type IPv4Address, ipv4 } from '../../../stack/wire/address.ts';
import * as ip from '../../../stack/wire/ipv4.ts';
import { type RawOption, options } from '../../../stack/wire/tcp-options.ts';
import type * as tcpOptions from '../../../stack/wire/tcp-options.ts';
import * as tcp from '../../../stack/wire/tcp.ts';

export const HOST: IPv4Address = ipv4(10, 0, 0, 1);
export const PEER: IPv4Address = ipv4(10, 0, 0, 2);

/** What numbers in words count from, and what `R`, `N` and `U` stand for. */
export interface Frame {
  /** ISNs of the host and of its peer. */
  readonly iss: number;
  readonly irs: number;
  /** The host's timestamp in its first segment. */
  readonly ts: number;
  readonly hostPort: number;
  readonly peerPort: number;
  /** `R`: RCV.NXT, `W`: RCV.NXT + RCV.WND, `N`: SND.NXT, `U`: SND.UNA, counted from the ISNs. */
  readonly letters: { readonly [letter: string]: number };
}

/** A segment that left the host. */
export interface Seen {
  readonly at: number;
  readonly header: tcp.TcpHeader;
  readonly payload: Uint8Array;
  readonly destination: IPv4Address;
  /** The codepoint: 0 Not-ECT, 1 ECT(1), 2 ECT(0), 3 CE. */
  readonly ecn: number;
}

/** The byte at sequence number `relative` of every stream in these tests. */
export function streamByte(relative: number): number {
  return (relative * 31 + (relative >>> 8) * 7) & 0xff;
}

/** Bytes `from..from+length` of the stream. */
export function stream(from: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => streamByte(from + index));
}

/** The fields of a segment in words, as written. */
export function fields(words: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const [, name, value] of words.matchAll(/<(\w+)(?:=([^>]*))?>/g)) found.set(name ?? '', value ?? '');
  return found;
}

function number(value: string, letters: Frame['letters']): number {
  const match = /^([RWNU])([+-]\d+)?$/.exec(value);
  if (match === null) return Number(value);
  return (letters[match[1] ?? ''] ?? Number.NaN) + Number(match[2] ?? 0);
}

/** `words` with numbers in place of letters. */
export function resolve(words: string, letters: Frame['letters']): string {
  return words.replaceAll(/<(SEQ|ACK)=([^>]*)>/g, (_, name, value) => `<${name}=${number(value, letters)}>`);
}

/** A packet from the peer to the host. `ECN` is the codepoint, `OPT=kind:hex,kind:hex` adds raw options, `SRC`/`DST` other addresses' last octet. */
export function packetOf(words: string, frame: Frame): PacketBuffer {
  const named = fields(words);
  const control = new Set((named.get('CTL') ?? '').split(','));
  const relative = number(named.get('SEQ') ?? '0', frame.letters);
  const length = Number(named.get('DATA') ?? 0);
  const optional = (name: string): number | undefined => {
    const value = named.get(name);
    return value === undefined ? undefined : Number(value);
  };
  const ack = named.get('ACK');
  const ts = named.get('TS')?.split('/');
  const header: tcp.TcpHeader = {
    sourcePort: optional('SPORT') ?? frame.peerPort,
    destinationPort: optional('DPORT') ?? frame.hostPort,
    seq: seq(frame.irs + relative),
    ack: ack === undefined ? undefined : seq(frame.iss + number(ack, frame.letters)),
    syn: control.has('SYN'),
    fin: control.has('FIN'),
    rst: control.has('RST'),
    psh: control.has('PSH'),
    urgentPointer: optional('URG'),
    ece: control.has('ECE'),
    cwr: control.has('CWR'),
    ae: control.has('AE'),
    window: optional('WND') ?? 0xffff,
    options: options({
      mss: optional('MSS'),
      windowScale: optional('WS'),
      sackPermitted: named.has('SACKOK'),
      sack: blocksOf(named.get('SACK'), frame.iss),
      timestamps:
        ts === undefined
          ? undefined
          : { value: Number(ts[0]) >>> 0, echo: ts[1] === '-' ? 0 : (frame.ts + Number(ts[1])) >>> 0 },
      others: rawOptions(named.get('OPT')),
    }),
  };
  const packet = PacketBuffer.allocate(200 + length, 200);
  packet.bytes.set(stream(relative + (header.syn ? 1 : 0), length), 200);
  packet.tail += length;
  const source = (PEER - 2 + (optional('SRC') ?? 2)) as IPv4Address;
  const destination = (HOST - 1 + (optional('DST') ?? 1)) as IPv4Address;
  tcp.emit(header, packet, source, destination);
  const meta = {
    ttl: 64,
    tos: optional('TOS') ?? optional('ECN') ?? 0,
    identification: 0,
    dontFragment: true,
    moreFragments: false,
    fragmentOffset: 0,
  };
  ip.emit({ ...meta, source, destination, protocol: ip.PROTOCOL_TCP }, packet);
  return packet;
}

/** `1001-2001,5001-6001`, counted from `isn`. */
function blocksOf(text: string | undefined, isn: number): tcpOptions.SackBlock[] | undefined {
  return text?.split(',').map((block) => {
    const [left = 0, right = 0] = block.split('-').map(Number);
    return { left: seq(isn + left), right: seq(isn + right) };
  });
}

function rawOptions(text: string | undefined): RawOption[] | undefined {
  return text?.split(',').map((each) => {
    const [kind, hex = ''] = each.split(':');
    return {
      kind: Number(kind),
      data: Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16)),
    };
  });
}

/** The Fast Open option in hex digits, those of the experimental one after `exp`. */
function cookieOf(options: tcp.TcpHeader['options']): string {
  const found = fastOpenOf(options);
  if (found === undefined) return 'none';
  const hex = [...found.cookie].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return found.experimental ? `exp${hex}` : hex;
}

/** `seen` in words, with `SEQ`, `ACK`, `CTL`, `DATA` and of the rest what `like` names. */
export function wordsOf(seen: Seen, frame: Frame, like: string = ''): string {
  const { header, payload } = seen;
  const named = fields(like);
  const control = [
    header.syn ? 'SYN' : '',
    header.fin ? 'FIN' : '',
    header.rst ? 'RST' : '',
    header.psh && (named.get('CTL') ?? '').includes('PSH') ? 'PSH' : '',
    header.ack === undefined ? '' : 'ACK',
    header.ae ? 'AE' : '',
    header.cwr ? 'CWR' : '',
    header.ece ? 'ECE' : '',
  ].filter((each) => each !== '');
  const { timestamps, mss, windowScale, sack } = header.options;
  const blocks = sack?.map(({ left, right }) => `${(left - frame.irs) | 0}-${(right - frame.irs) | 0}`);
  let words = `<SEQ=${(header.seq - frame.iss) | 0}>`;
  if (header.ack !== undefined) words += `<ACK=${(header.ack - frame.irs) | 0}>`;
  words += `<CTL=${control.join(',')}>`;
  if (payload.length > 0) words += `<DATA=${payload.length}>`;
  if (seen.ecn !== 0) words += `<ECN=${seen.ecn}>`;
  const ts = timestamps === undefined ? 'none' : `${(timestamps.value - frame.ts) | 0}/${timestamps.echo}`;
  const more: { readonly [name: string]: unknown } = {
    WND: header.window,
    MSS: mss,
    WS: windowScale,
    TS: ts,
    URG: header.urgentPointer ?? 'none',
    FO: cookieOf(header.options),
    SACK: blocks?.join(',') ?? 'none',
  };
  for (const name of named.keys()) if (name in more) words += `<${name}=${more[name]}>`;
  return words;
}
