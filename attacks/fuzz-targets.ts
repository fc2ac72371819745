/** What is fuzzed, each with inputs that are nearly right: a good one with bytes changed, or made of parts that exist. */
import { seededRandom } from '../sim/random.ts';
import { PacketBuffer } from '../stack/bytes/packet-buffer.ts';
import { walkHeaders } from '../stack/ip/extension-headers.ts';
import { type Random, randomBelow } from '../stack/random.ts';
import { fastOpenOf } from '../stack/tcp/fast-open.ts';
import { type Instant, seconds } from '../stack/time.ts';
import { parseAddress } from '../stack/wire/address.ts';
import * as dhcp from '../stack/wire/dhcp.ts';
import * as dhcpOptions from '../stack/wire/dhcp-options.ts';
import { readDomainNames } from '../stack/wire/domain-name.ts';
import * as ipv6 from '../stack/wire/ipv6.ts';
import * as ndp from '../stack/wire/ndp.ts';
import * as routers from '../stack/wire/router-discovery.ts';
import * as tcpOptions from '../stack/wire/tcp-options.ts';
import { CaptureError, ipPacketOf, readCapture } from '../trace/capture-reader.ts';
import { PcapngWriter } from '../trace/pcapng.ts';
import { fuzzedOptions } from './fuzzed-options.ts';

/** A parser and its inputs. `run` does one; true if the input was taken. Whatever is thrown is a finding. */
export interface FuzzTarget {
  readonly name: string;
  run(random: Random): boolean;
}

/** `good` with up to four bytes changed, and sometimes cut, in memory that ends with it. */
export function damaged(good: Uint8Array, random: Random): Uint8Array<ArrayBuffer> {
  const bytes = good.slice(
    0,
    good.length - (randomBelow(random, 4) === 0 ? randomBelow(random, good.length + 1) : 0),
  );
  for (let changes = randomBelow(random, 5); changes > 0 && bytes.length > 0; changes--) {
    const value = [0, 1, 0xff, 0x80, 0xc0, random.u32() & 255][randomBelow(random, 6)] ?? 0;
    bytes[randomBelow(random, bytes.length)] = value;
  }
  return bytes;
}

/** Type, length and value one after the other; the length in units of `unit` bytes, head included or not, and often right. */
function parts(
  random: Random,
  kinds: readonly number[],
  most: number,
  unit: number,
  head: number,
): Uint8Array {
  const bytes = new Uint8Array(randomBelow(random, most));
  for (let at = 0; at + 1 < bytes.length; ) {
    const length = randomBelow(random, 5) === 0 ? random.u32() & 255 : randomBelow(random, 5);
    bytes[at] = kinds[randomBelow(random, kinds.length)] ?? 0;
    bytes[at + 1] = length;
    for (let i = at + 2; i < Math.min(bytes.length, at + 12); i++) bytes[i] = random.u32() & 255;
    at += Math.max(1, length * unit + head);
  }
  return bytes;
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(first.length + second.length);
  bytes.set(first);
  bytes.set(second, first.length);
  return bytes;
}

/** The fixed part of a DHCP reply. */
function dhcpHead(): Uint8Array {
  const bytes = new Uint8Array(240);
  bytes.set([2, 1, 6, 0]);
  new DataView(bytes.buffer).setUint32(236, 0x6382_5363);
  return bytes;
}

const DHCP_KINDS: readonly number[] = [...Object.values(dhcpOptions.OPTION), 0, 52, 255];

function readDhcp(random: Random): boolean {
  const read = dhcp.parse(damaged(joined(dhcpHead(), parts(random, DHCP_KINDS, 120, 1, 2)), random));
  if (typeof read === 'string') return false;
  dhcpOptions.messageType(read.options);
  dhcpOptions.domainName(read.options);
  dhcpOptions.domainSearch(read.options);
  dhcpOptions.classlessRoutes(read.options);
  for (const code of DHCP_KINDS) {
    dhcpOptions.addresses(read.options, code);
    dhcpOptions.address(read.options, code);
    dhcpOptions.wholeNumber(read.options, code, 4);
    dhcpOptions.text(read.options, code);
  }
  return true;
}

function readNames(random: Random): boolean {
  const bytes = new Uint8Array(randomBelow(random, 80));
  for (let at = 0; at < bytes.length; ) {
    const length = [0, 1, 3, 63, 64, 0xc0, 0xc0, 0xff][randomBelow(random, 8)] ?? 0;
    bytes[at] = length;
    for (let i = at + 1; i < Math.min(bytes.length, at + 1 + length); i++)
      bytes[i] = length >= 0xc0 ? randomBelow(random, bytes.length) : 97 + randomBelow(random, 26);
    at += length >= 0xc0 ? 2 : length + 1;
  }
  return readDomainNames(bytes) !== undefined;
}

function readAdvertisement(random: Random): boolean {
  const head = new Uint8Array(16);
  head.set([134, 0, 0, 0, 64]);
  const bytes = joined(head, parts(random, [1, 3, 5, 24, 25, 31, 99], 200, 8, 0));
  return typeof routers.parseAdvertisement(damaged(bytes, random)) !== 'string';
}

function readNeighbour(random: Random): boolean {
  const bytes = damaged(
    joined(new Uint8Array(16).fill(0x20), parts(random, [1, 2, 3, 99], 60, 8, 0)),
    random,
  );
  const typeNumber = 133 + randomBelow(random, 6);
  const message = { type: 'other', typeNumber, code: 0, rest: random.u32() } as const;
  return typeof ndp.parse(message, PacketBuffer.copyOf(bytes), PacketBuffer.copyOf(bytes).head) !== 'string';
}

const HERE = parseAddress('fd00::1');

function readExtensions(random: Random): boolean {
  const kinds = [0, 43, 44, 51, 59, 60, 60, 58, 6, 135];
  const chain: number[] = [];
  const next = (): number => kinds[randomBelow(random, kinds.length)] ?? 59;
  for (let count = randomBelow(random, 12); count > 0; count--) {
    const length = randomBelow(random, 3);
    chain.push(next(), randomBelow(random, 8) === 0 ? random.u32() & 255 : length);
    for (let i = 2; i < 8 * (length + 1); i++)
      chain.push([0, 1, 4, 5, 194, random.u32() & 255][randomBelow(random, 6)] ?? 0);
  }
  const head = new Uint8Array(40).fill(0xfd, 8, 9);
  head.set([0x60, 0, 0, 0, 0, chain.length, next(), 64]);
  const packet = PacketBuffer.copyOf(damaged(joined(head, Uint8Array.from(chain)), random));
  const header = ipv6.parse(packet);
  if (typeof header === 'string' || HERE === undefined) return false;
  return !('reason' in walkHeaders(packet, header, 8));
}

function readTcpOptions(random: Random): boolean {
  const bytes = fuzzedOptions(random);
  const options = tcpOptions.parse(new DataView(bytes.buffer), 0, bytes.length);
  if (typeof options === 'string') return false;
  fastOpenOf(options);
  return true;
}

/** Captures to begin with: pcapng as we write it, pcap in both orders of bytes. */
const CAPTURES: readonly Uint8Array[] = captures();

function captures(): Uint8Array[] {
  const frame = new Uint8Array(60).fill(0x45);
  const pcap = [true, false].map((little) => {
    const bytes = new Uint8Array(24 + 16 + frame.length);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, 0xa1b2_c3d4, little);
    view.setUint16(4, 2, little);
    view.setUint16(6, 4, little);
    view.setUint32(16, 65_535, little);
    view.setUint32(20, 101, little);
    view.setUint32(32, frame.length, little);
    view.setUint32(36, frame.length, little);
    bytes.set(frame, 40);
    return bytes;
  });
  return [...pcap, writtenCapture(frame)];
}

function writtenCapture(frame: Uint8Array): Uint8Array {
  let written: Uint8Array = new Uint8Array(0);
  const writer = new PcapngWriter((bytes) => {
    written = joined(written, bytes);
  });
  const number = writer.addInterface({ name: 'fuzz', medium: 'ip' });
  for (let i = 0; i < 3; i++)
    writer.packet(seconds(i) as number as Instant, number, 'in', frame, 0, frame.length);
  writer.flush();
  return written;
}

function readFile(random: Random): boolean {
  const good = CAPTURES[randomBelow(random, CAPTURES.length)] ?? new Uint8Array(0);
  try {
    for (const frame of readCapture(damaged(good, random)).frames) ipPacketOf(frame);
    return true;
  } catch (error) {
    if (error instanceof CaptureError) return false; // says what is wrong with the file, and where
    throw error;
  }
}

/** All targets. */
export const FUZZ_TARGETS: readonly FuzzTarget[] = [
  { name: 'TCP options', run: readTcpOptions },
  { name: 'DHCP', run: readDhcp },
  { name: 'domain names', run: readNames },
  { name: 'router advertisements', run: readAdvertisement },
  { name: 'neighbour discovery', run: readNeighbour },
  { name: 'IPv6 extension headers', run: readExtensions },
  { name: 'captures', run: readFile },
];

/** Runs a target so often; how many inputs it took. An error says which run of which seed it was. */
export function fuzz({ name, run }: FuzzTarget, runs: number, seed: number): number {
  const random = seededRandom(seed, name);
  let taken = 0;
  for (let i = 0; i < runs; i++) {
    try {
      if (run(random)) taken += 1;
    } catch (error) {
      throw new Error(`${name}: run ${i} with seed ${seed}`, { cause: error });
    }
  }
  return taken;
}
