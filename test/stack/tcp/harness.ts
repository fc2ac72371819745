/**
 * Two ways to test TCP: a host with a scripted peer, whose segments are written in the RFC's words, and two hosts on a wire that
 * loses what it is told to. Both check the invariants of `watch.ts` after every event.
 */
import { expect, onTestFailed } from 'vitest';
import { wire } from '../../../device/wire.ts';
import { seededRandom } from '../../../sim/random.ts';
import { VirtualClock } from '../../../sim/virtual-clock.ts';
import { PacketBuffer } from '../../../stack/bytes/packet-buffer.ts';
import { Host } from '../../../stack/host.ts';
import type { Device } from '../../../stack/link/device.ts';
import { type SettingsChanges, type TcpSettings, settings } from '../../../stack/settings.ts';
import type { TcpConnection } from '../../../stack/tcp/connection.ts';
import type { ConnectionEvent } from '../../../stack/tcp/events.ts';
import type { FastOpenConnect } from '../../../stack/tcp/fast-open-client.ts';
import type { FastOpenListen } from '../../../stack/tcp/fast-open.ts';
import type { TcpListener } from '../../../stack/tcp/listener.ts';
import { type Instant, after, ms } from '../../../stack/time.ts';
import type { TcbVariables } from '../../../stack/trace.ts';
import * as ip from '../../../stack/wire/ipv4.ts';
import * as tcp from '../../../stack/wire/tcp.ts';
import { Watch, ladder } from './watch.ts';
import {
  type Frame,
  HOST,
  PEER,
  type Seen,
  packetOf,
  resolve,
  stream,
  streamByte,
  wordsOf,
} from './words.ts';

/** The peer's ISN: its numbers wrap in every longer test. */
const IRS = 0xffff_f800;

/** Settings that keep a test's figures plain: no options on segments, a fixed window of 65,535. */
const PLAIN: Partial<TcpSettings> = {
  timestamps: false,
  windowScaling: false,
  receiveBuffer: { from: 65_535, to: 65_535 },
};

export interface BenchOptions {
  readonly profile?: SettingsChanges['profile'];
  readonly tcp?: Partial<TcpSettings>;
  readonly mtu?: number;
  readonly seed?: number;
  /** No ladder when the test fails: for sweeps, which draw that of the seed that failed. */
  readonly quiet?: boolean;
}

/** One host, at 10.0.0.1, and a peer, at 10.0.0.2, that does what the test says. */
export class Bench {
  readonly clock: VirtualClock = new VirtualClock();
  readonly host: Host;
  readonly watch: Watch;
  /** What the owner of the connection was told: `established`, `soft-error r1`, `closed reset` … */
  readonly told: string[] = [];
  readonly drops: string[] = [];
  /** What the program wrote and read, as stream positions. */
  written: number = 1;
  connection: TcpConnection;
  listener: TcpListener | undefined;
  readonly #wire: Device;
  readonly #seen: Seen[] = [];
  #iss: number | undefined;
  #ts: number = 0;
  #hostPort: number = 80;
  #peerPort: number = 40_000;

  constructor(options: BenchOptions = {}) {
    const { profile = 'standard', seed = 1, mtu = 1500 } = options;
    const [device, peer] = wire(this.clock, { mtu });
    this.#wire = peer;
    peer.attach({
      framesArrived: (frames) => frames.forEach((frame) => this.#leaves(frame)),
      deviceClosed: () => {},
    });
    this.watch = new Watch(() => this.host, mtu);
    this.host = new Host({
      name: 'host',
      scheduler: this.clock,
      random: seededRandom(seed, 'host'),
      settings: settings({ profile, tcp: { ...PLAIN, ...options.tcp } }),
      tracer: (event) => {
        if (event.type === 'drop') this.drops.push(event.reason);
        this.watch.see(event);
      },
    });
    this.host.addInterface(device, [{ address: HOST, prefixLength: 24 }]);
    this.connection = undefined as unknown as TcpConnection; // until `connect`, or a listener's SYN
    if (options.quiet !== true) onTestFailed(() => console.log(`seed ${seed}\n${ladder(this.watch.events)}`));
  }

  /** OPEN, active. */
  connect(fastOpen?: FastOpenConnect): this {
    this.#peerPort = 80;
    const remote = { address: PEER, port: 80 };
    this.connection = this.host.tcp.connect(
      { remote, ...(fastOpen === undefined ? {} : { fastOpen }) },
      this,
    );
    this.#hostPort = this.connection.local.port;
    return this.settle();
  }

  /** OPEN, passive, on port 80. */
  listen(backlog: number = 4, fastOpen?: FastOpenListen): this {
    this.listener = this.host.tcp.listen(
      { port: 80, backlog, ...(fastOpen === undefined ? {} : { fastOpen }) },
      {
        connectionReady: () => {
          const accepted = this.listener?.accept(this);
          if (accepted !== undefined) this.connection = accepted;
        },
      },
    );
    return this;
  }

  connectionEvent(event: ConnectionEvent): void {
    const what =
      event.type === 'closed' ? event.reason : event.type === 'soft-error' ? event.what : undefined;
    this.told.push(what === undefined ? event.type : `${event.type} ${what}`);
  }

  /** The program writes `length` bytes of the stream. */
  write(length: number): this {
    const took = this.connection.send(stream(this.written, length));
    this.written += took;
    expect(took).toBe(length);
    return this.settle();
  }

  /** Bytes of the stream. */
  streamAt(from: number, length: number): Uint8Array {
    return stream(from, length);
  }

  /** The program reads all there is, or `max` bytes; returns how many. They have to be those of the stream. */
  read(max?: number): number {
    const from =
      this.info('rcv.nxt') - this.info('receiveQueue') - (this.connection.receiver.finReceived ? 1 : 0);
    const bytes = this.connection.receive(max) ?? new Uint8Array(0);
    expectStream(bytes, from);
    this.settle();
    return bytes.length;
  }

  /** The program calls something. */
  does(call: (connection: TcpConnection) => void): this {
    call(this.connection);
    return this.settle();
  }

  /** These segments arrive, in one batch. */
  arrives(...segments: string[]): this {
    this.#wire.transmit(segments.map((words) => packetOf(words, this.frame)));
    return this.settle();
  }

  /** A packet arrives as it is. */
  arrivesRaw(packet: PacketBuffer): this {
    this.#wire.transmit([packet]);
    return this.settle();
  }

  /** These segments and no others have left since a test last asked. */
  sends(...segments: string[]): this {
    const seen = this.#seen.splice(0);
    const expected = segments.map((words) => resolve(words, this.frame.letters));
    expect(seen.map((each, index) => wordsOf(each, this.frame, expected[index]))).toEqual(expected);
    return this;
  }

  /** Nothing has left before `milliseconds`, and at that instant these. */
  sendsAt(milliseconds: number, ...segments: string[]): this {
    this.silentUntil(milliseconds - 0.001);
    return this.at(milliseconds).sends(...segments);
  }

  /** Nothing leaves until then. */
  silentUntil(milliseconds: number): this {
    this.at(milliseconds);
    expect(this.#seen.map((each) => `${each.at / 1000} ms ${wordsOf(each, this.frame)}`)).toEqual([]);
    return this;
  }

  /** What has left since a test last asked. */
  sent(): Seen[] {
    return this.#seen.splice(0);
  }

  /** Forgets what has left. */
  ignore(): this {
    this.#seen.length = 0;
    return this;
  }

  /** Time moves on to `milliseconds`. */
  at(milliseconds: number): this {
    return this.#run(ms(milliseconds) as number as Instant);
  }

  /** Time moves on by `milliseconds`. */
  wait(milliseconds: number): this {
    return this.#run(after(this.clock.now(), ms(milliseconds)));
  }

  /** What is to happen now happens. */
  settle(): this {
    return this.#run(this.clock.now());
  }

  get state(): string {
    return this.connection.state;
  }

  /** A variable; sequence numbers count from the ISNs. */
  info(name: keyof TcbVariables): number {
    const value = Number(this.connection.info()[name]);
    if (name === 'rcv.nxt' || name === 'irs' || name === 'snd.wl1') return (value - IRS) | 0;
    if (name.startsWith('snd.u') || name === 'snd.nxt' || name === 'recover')
      return (value - this.frame.iss) | 0;
    return value;
  }

  /** The time left on a timer in milliseconds; undefined if it does not run. */
  timer(name: Parameters<TcpConnection['timers']['deadline']>[0]): number | undefined {
    const { timers } = this.connection;
    return timers.isSet(name) ? (timers.deadline(name) - this.clock.now()) / 1000 : undefined;
  }

  /** No connection is left. */
  expectNothingLeft(): void {
    expect(this.host.tcp.size).toBe(0);
    expect(this.host.tcp.nextDeadline()).toBe(Number.POSITIVE_INFINITY);
  }

  get frame(): Frame {
    const { connection } = this;
    const iss = this.#iss ?? 0;
    const letters: { [letter: string]: number } = {};
    if (connection !== undefined) {
      letters['R'] = (connection.receiver.nxt - IRS) | 0;
      letters['W'] = letters['R'] + connection.receiver.wnd;
      letters['N'] = (connection.sender.nxt - iss) | 0;
      letters['U'] = (connection.sender.una - iss) | 0;
    }
    return { iss, irs: IRS, ts: this.#ts, hostPort: this.#hostPort, peerPort: this.#peerPort, letters };
  }

  #run(until: Instant): this {
    while (this.clock.nextEvent <= until) {
      this.clock.step();
      this.watch.check();
    }
    this.clock.advanceTo(until);
    // The connection of a SYN, before the program may accept it.
    if (this.listener !== undefined && this.connection === undefined) {
      for (const each of this.host.tcp.connections()) this.connection = each;
    }
    return this;
  }

  /** A segment left the host. */
  #leaves(frame: PacketBuffer): void {
    const header = ip.parse(frame);
    if (typeof header === 'string') throw new Error(header);
    const packet = PacketBuffer.copyOf(frame.contents().subarray(header.headerLength));
    const segment = tcp.parse(packet);
    if (typeof segment === 'string') throw new Error(segment);
    const payload = packet.contents().subarray(tcp.headerLength(packet));
    if (segment.syn && this.#iss !== segment.seq) {
      this.#iss = segment.seq;
      this.#ts = segment.options.timestamps?.value ?? 0;
    }
    expectStream(payload, (segment.seq + (segment.syn ? 1 : 0) - (this.#iss ?? 0)) | 0);
    const { destination, tos } = header;
    this.#seen.push({ at: this.clock.now(), header: segment, payload, destination, ecn: tos & 3 });
  }
}

/** `bytes` are those of the stream from `from` on. (Without `expect`, which takes a microsecond per byte.) */
function expectStream(bytes: Uint8Array, from: number): void {
  for (const [index, byte] of bytes.entries()) {
    if (byte !== streamByte(from + index)) throw new Error(`the byte at ${from + index} is ${byte}`);
  }
}

/** A bench with an established connection, actively opened, and nothing unread. `syn`: what the peer's SYN-ACK says beside. */
export function established(options: BenchOptions = {}, syn: string = '<MSS=1460>'): Bench {
  const bench = new Bench(options).connect();
  bench.arrives(`<SEQ=0><ACK=1><CTL=SYN,ACK>${syn}`);
  expect(bench.state).toBe('ESTABLISHED');
  bench.ignore();
  bench.told.length = 0;
  return bench;
}
