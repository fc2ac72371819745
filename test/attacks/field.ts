/**
 * The field of the attacks (attacks.md): a victim with an echo server, an honest client, and an attacker who may put any packet on the
 * wire under any address. Virtual time; the same run each time.
 */
import { wire } from '../../device/wire.ts';
import { seededRandom } from '../../sim/random.ts';
import { VirtualClock } from '../../sim/virtual-clock.ts';
import { PacketBuffer } from '../../stack/bytes/packet-buffer.ts';
import type { CounterName } from '../../stack/counters.ts';
import { Host, type HostStats } from '../../stack/host.ts';
import type { Device } from '../../stack/link/device.ts';
import { type IpSettings, type SettingsChanges, type TcpSettings, settings } from '../../stack/settings.ts';
import type { TcpConnection } from '../../stack/tcp/connection.ts';
import type { ConnectionEvent } from '../../stack/tcp/events.ts';
import type { FastOpenListen } from '../../stack/tcp/fast-open.ts';
import type { TcpListener } from '../../stack/tcp/listener.ts';
import { type SeqNumber, seq } from '../../stack/tcp/sequence.ts';
import { after, ms } from '../../stack/time.ts';
import type { TraceEvent } from '../../stack/trace.ts';
import { type IPv4Address, ipv4 } from '../../stack/wire/address.ts';
import * as ip from '../../stack/wire/ipv4.ts';
import { type TcpOptions, options } from '../../stack/wire/tcp-options.ts';
import * as tcp from '../../stack/wire/tcp.ts';

export const VICTIM: IPv4Address = ipv4(10, 0, 0, 1);
export const CLIENT: IPv4Address = ipv4(10, 0, 0, 2);
export const ATTACKER: IPv4Address = ipv4(10, 9, 9, 9);

/** What a forged segment says; the rest is 0 and unset. */
export interface Forged {
  readonly from?: IPv4Address;
  readonly to?: IPv4Address;
  readonly port?: number;
  readonly toPort?: number;
  readonly seq?: number;
  readonly ack?: number | undefined;
  readonly flags?: string;
  readonly window?: number;
  readonly urgent?: number;
  readonly data?: Uint8Array;
  readonly options?: Partial<TcpOptions>;
}

/** A segment that the attacker sees. */
export interface Caught {
  readonly to: IPv4Address;
  readonly identification: number;
  readonly header: tcp.TcpHeader;
  readonly length: number;
  readonly bytes: number;
}

export interface FieldOptions {
  readonly profile?: SettingsChanges['profile'];
  readonly tcp?: Partial<TcpSettings>;
  readonly ip?: Partial<IpSettings>;
  readonly backlog?: number;
  /** The server keeps what it gets from others than the honest client and never reads it. */
  readonly deaf?: boolean;
  /** The server takes no connection from the accept queue. */
  readonly lazy?: boolean;
  /** The server closes a connection of the attacker at once, and reads on; `orphans`: gives it up altogether. */
  readonly closes?: 'shutdown' | 'orphans';
  readonly trace?: boolean;
  readonly mtu?: number;
  /** The server takes data in SYNs. */
  readonly fastOpen?: FastOpenListen;
}

/** A packet with a forged segment. */
export function forge(forged: Forged): PacketBuffer {
  const { data = new Uint8Array(0), flags = '' } = forged;
  const packet = PacketBuffer.allocate(100 + data.length, 100);
  packet.bytes.set(data, 100);
  packet.tail += data.length;
  const header: tcp.TcpHeader = {
    ...tcp.BARE_HEADER,
    sourcePort: forged.port ?? 4_000,
    destinationPort: forged.toPort ?? 80,
    seq: seq(forged.seq ?? 0),
    ack: forged.ack === undefined ? undefined : seq(forged.ack),
    syn: flags.includes('S'),
    fin: flags.includes('F'),
    rst: flags.includes('R'),
    psh: flags.includes('P'),
    urgentPointer: forged.urgent,
    window: forged.window ?? 0xffff,
    options: options(forged.options ?? {}),
  };
  const source = forged.from ?? ATTACKER;
  const destination = forged.to ?? VICTIM;
  tcp.emit(header, packet, source, destination);
  return inIp(packet, source, destination);
}

/** Puts an IPv4 header in front. */
export function inIp(packet: PacketBuffer, source: IPv4Address, destination: IPv4Address): PacketBuffer {
  ip.emit(
    {
      source,
      destination,
      protocol: ip.PROTOCOL_TCP,
      ttl: 64,
      tos: 0,
      identification: 0,
      dontFragment: true,
      moreFragments: false,
      fragmentOffset: 0,
    },
    packet,
  );
  return packet;
}

/** An honest connection of the client: connects, has its bytes echoed, closes. */
export class Honest {
  readonly connection: TcpConnection;
  established: boolean = false;
  /** Every byte came back, and both sides closed in good order. */
  done: boolean = false;
  failed: string | undefined;
  readonly #sent: Uint8Array;
  #got: number = 0;
  #wrong: boolean = false;

  constructor(client: Host, bytes: number, closes: boolean) {
    this.#sent = Uint8Array.from({ length: bytes }, (_, i) => (i * 31 + 7) & 0xff);
    this.connection = client.tcp.connect(
      { remote: { address: VICTIM, port: 80 } },
      {
        connectionEvent: (event: ConnectionEvent) => this.#hears(event, closes),
      },
    );
  }

  #hears(event: ConnectionEvent, closes: boolean): void {
    if (event.type === 'established') {
      this.established = true;
      this.connection.enqueue(this.#sent);
    } else if (event.type === 'readable') {
      for (let bytes = this.connection.receive(); bytes !== undefined; bytes = this.connection.receive()) {
        for (const byte of bytes) {
          if (byte !== this.#sent[this.#got]) this.#wrong = true;
          this.#got += 1;
        }
      }
      if (this.#got === this.#sent.length && closes) this.connection.shutdown();
    } else if (event.type === 'closed') {
      this.failed = event.reason;
      this.done = event.reason === undefined && this.#got === this.#sent.length && !this.#wrong;
    }
  }

  /** Bytes that came back in their order. */
  get echoed(): number {
    return this.#wrong ? -1 : this.#got;
  }
}

export class Field {
  readonly clock: VirtualClock = new VirtualClock();
  readonly victim: Host;
  readonly client: Host;
  readonly listener: TcpListener;
  /** Connections that the server has taken, the newest last. */
  readonly accepted: TcpConnection[] = [];
  /** What the victim sent to others than the client. */
  readonly caught: Caught[] = [];
  /** All events but frames, if asked for. */
  readonly events: TraceEvent[] = [];
  /** Counts only: for floods. */
  quiet: boolean = false;
  packetsOut: number = 0;
  bytesOut: number = 0;
  readonly #toVictim: Device;
  readonly #toClient: Device;

  constructor(options: FieldOptions = {}) {
    const mtu = options.mtu ?? 1_500;
    const [victimDevice, toVictim] = wire(this.clock, { mtu });
    const [clientDevice, toClient] = wire(this.clock, { mtu, delay: ms(5) });
    this.#toVictim = toVictim;
    this.#toClient = toClient;
    const deviceClosed = (): void => {};
    toVictim.attach({
      framesArrived: (frames) => frames.forEach((frame) => this.#leaves(frame)),
      deviceClosed,
    });
    toClient.attach({ framesArrived: (frames) => toVictim.transmit(frames), deviceClosed });
    const { profile = 'standard' } = options;
    this.victim = new Host({
      name: 'victim',
      scheduler: this.clock,
      random: seededRandom(7, 'victim'),
      settings: settings({ profile, tcp: { msl: ms(1_000), ...options.tcp }, ip: { ...options.ip } }),
      ...(options.trace === true ? { tracer: (event: TraceEvent) => void this.#note(event) } : {}),
    });
    this.client = new Host({
      name: 'client',
      scheduler: this.clock,
      random: seededRandom(8, 'client'),
      settings: settings({ tcp: { msl: ms(1_000) } }),
    });
    this.victim.addInterface(victimDevice, [{ address: VICTIM, prefixLength: 8 }]);
    this.client.addInterface(clientDevice, [{ address: CLIENT, prefixLength: 8 }]);
    this.listener = this.#serve(options);
  }

  /** Packets arrive at the victim, in one batch. */
  inject(...packets: PacketBuffer[]): this {
    this.#toVictim.transmit(packets);
    return this;
  }

  /** A forged segment arrives, and what follows at once happens. */
  send(forged: Forged): this {
    return this.inject(forge(forged)).run(0);
  }

  /** Time passes. */
  run(milliseconds: number): this {
    const until = after(this.clock.now(), ms(milliseconds));
    while (this.clock.nextEvent <= until) this.clock.step();
    this.clock.advanceTo(until);
    return this;
  }

  /** An honest client begins. */
  honest(bytes: number = 5_000, closes: boolean = true): Honest {
    return new Honest(this.client, bytes, closes);
  }

  /** The control of every row: one honest connection from beginning to end; how it went. */
  control(): string {
    const honest = this.honest();
    this.run(3_000);
    return honest.done ? 'works' : `fails: ${honest.failed ?? `${honest.echoed} bytes echoed`}`;
  }

  /** What the attacker has caught since it was last asked. */
  take(): Caught[] {
    return this.caught.splice(0);
  }

  get stats(): HostStats {
    return this.victim.stats();
  }

  count(name: CounterName): number {
    return this.stats.counters[name];
  }

  drops(reason: string): number {
    return this.stats.drops[reason] ?? 0;
  }

  /** An attacker's own connection, established: its numbers. */
  open(port: number, from: IPv4Address = ATTACKER, offered: Partial<TcpOptions> = { mss: 1_460 }): Opened {
    this.caught.length = 0;
    this.send({ from, port, seq: 1_000, flags: 'S', options: offered });
    const answer = this.take()[0]?.header;
    if (answer === undefined) throw new Error('the SYN was not answered');
    const timestamps = answer.options.timestamps;
    const opened: Opened = {
      from,
      port,
      iss: answer.seq,
      next: add(answer.seq, 1),
      irs: 1_000,
      timestamp: timestamps?.value ?? 0,
    };
    const echo =
      offered.timestamps === undefined
        ? {}
        : { options: { timestamps: { value: offered.timestamps.value, echo: opened.timestamp } } };
    this.send({ from, port, seq: 1_001, ack: opened.next, ...echo });
    return opened;
  }

  #serve(options: FieldOptions): TcpListener {
    const listener = this.victim.tcp.listen(
      {
        port: 80,
        backlog: options.backlog ?? 128,
        ...(options.fastOpen === undefined ? {} : { fastOpen: options.fastOpen }),
      },
      {
        connectionReady: () => {
          if (options.lazy === true) return;
          for (;;) {
            let connection: TcpConnection | undefined;
            const owner = {
              connectionEvent: (event: ConnectionEvent) => {
                if (connection === undefined) return;
                if (options.deaf === true && connection.remote.address !== CLIENT) return;
                if (options.closes !== undefined && connection.remote.address !== CLIENT) {
                  if (event.type === 'established' && options.closes === 'shutdown') connection.shutdown();
                  else if (event.type === 'established') connection.close();
                } else {
                  echo(connection, event);
                }
              },
            };
            connection = listener.accept(owner);
            if (connection === undefined) return;
            this.accepted.push(connection);
          }
        },
      },
    );
    return listener;
  }

  #leaves(frame: PacketBuffer): void {
    this.packetsOut += 1;
    this.bytesOut += frame.length;
    const header = ip.parse(frame);
    if (typeof header === 'string') throw new Error(header);
    if (header.destination === CLIENT) {
      this.#toClient.transmit([frame]);
      return;
    }
    if (this.quiet || header.protocol !== ip.PROTOCOL_TCP) return;
    const packet = PacketBuffer.copyOf(frame.contents().subarray(header.headerLength));
    const segment = tcp.parse(packet);
    if (typeof segment === 'string') throw new Error(segment);
    const length = packet.length - tcp.headerLength(packet);
    const { identification, destination: to } = header;
    this.caught.push({ to, identification, header: segment, length, bytes: frame.length });
  }

  #note(event: TraceEvent): void {
    if (event.type !== 'frame') this.events.push(event);
  }
}

export interface Opened {
  readonly from: IPv4Address;
  readonly port: number;
  readonly iss: SeqNumber;
  readonly next: SeqNumber;
  readonly irs: number;
  readonly timestamp: number;
}

function add(number: SeqNumber, by: number): SeqNumber {
  return seq(number + by);
}

function echo(connection: TcpConnection, event: ConnectionEvent): void {
  if (event.type === 'readable') {
    for (let bytes = connection.receive(); bytes !== undefined; bytes = connection.receive())
      connection.enqueue(bytes);
  } else if (event.type === 'end') {
    connection.shutdown();
  }
}

export { figure, timed } from './figures.ts';
