/** Hand-made traces: two hosts, a wire between them, and what a test says happened. */
import { PacketBuffer } from '../../stack/bytes/packet-buffer.ts';
import type { DropReason } from '../../stack/drop-reasons.ts';
import { type SeqNumber, seq } from '../../stack/tcp/sequence.ts';
import type { TcpState } from '../../stack/tcp/states.ts';
import { type Instant, ms } from '../../stack/time.ts';
import type { FrameEvent, SegmentEvent, SendCause, TimerName, TraceEvent } from '../../stack/trace.ts';
import { type IPv4Address, ipv4 } from '../../stack/wire/address.ts';
import * as ip from '../../stack/wire/ipv4.ts';
import { NO_OPTIONS, type TcpOptions, options } from '../../stack/wire/tcp-options.ts';
import * as tcp from '../../stack/wire/tcp.ts';

const ADDRESSES: { readonly [host: string]: IPv4Address } = { a: ipv4(10, 0, 0, 1), b: ipv4(10, 0, 0, 2) };
const PORTS: { readonly [host: string]: number } = { a: 49152, b: 80 };
const ISS: { readonly [host: string]: number } = { a: 1000, b: 0xffff_fff0 };

/** A segment in a test's words; sequence numbers count from each side's SYN. */
export interface Told {
  readonly flags: string;
  readonly seq: number;
  readonly ack?: number;
  readonly length?: number;
  readonly window?: number;
  readonly cause?: SendCause;
  readonly reset?: SegmentEvent['reset'];
  readonly segmentSize?: number;
  readonly options?: Partial<TcpOptions>;
  /** What becomes of it at the other end; by default it arrives. */
  readonly fate?: 'lost' | DropReason;
}

/** Gathers events; all of them at the moment it is told to be. */
export class Story {
  readonly events: TraceEvent[] = [];
  now: number = 0;
  /** Of the wire, one way, in milliseconds. */
  readonly delay: number;
  #arrivals: { at: number; run: () => void }[] = [];
  #identification: number = 1;

  constructor(delay: number = 10) {
    this.delay = delay;
  }

  /** Goes on to `milliseconds`; what is on the wire arrives on the way there. */
  at(milliseconds: number): this {
    for (;;) {
      const next = this.#arrivals.sort((x, y) => x.at - y.at)[0];
      if (next === undefined || next.at > milliseconds) break;
      this.#arrivals.shift();
      this.now = next.at;
      next.run();
    }
    this.now = milliseconds;
    return this;
  }

  state(host: string, from: TcpState, to: TcpState, cause: string): this {
    return this.#push({ type: 'state', at: this.#at(), host, connection: 1, from, to, cause });
  }

  timer(host: string, timer: TimerName): this {
    return this.#push({ type: 'timer', at: this.#at(), host, connection: 1, timer, action: 'fired' });
  }

  note(host: string, text: string): this {
    return this.#push({ type: 'note', at: this.#at(), host, text });
  }

  opens(host: string, passive: boolean): this {
    const other = host === 'a' ? 'b' : 'a';
    return this.#push({
      type: 'connection',
      at: this.#at(),
      host,
      connection: 1,
      localAddress: ADDRESSES[host] ?? ipv4(0, 0, 0, 0),
      localPort: PORTS[host] ?? 0,
      remoteAddress: ADDRESSES[other] ?? ipv4(0, 0, 0, 0),
      remotePort: PORTS[other] ?? 0,
      passive,
    });
  }

  /** Sends a segment and its frame; it arrives after the wire's delay, and `then` is what the other end does on it. */
  send(from: 'a' | 'b', told: Told, then?: () => void): this {
    const to = from === 'a' ? 'b' : 'a';
    const segment = segmentOf(from, to, told, this.#at());
    const frame = frameOf(segment, this.#identification++);
    this.#push({ ...segment, host: from, direction: 'out' });
    this.#push({ ...frame, host: from, direction: 'out' });
    if (told.fate === 'lost') return this;
    this.#arrivals.push({
      at: this.now + this.delay,
      run: () => {
        const { cause: _cause, reset: _reset, ...seen } = segment;
        const at = this.#at();
        this.#push({ ...frame, at, host: to, direction: 'in' });
        const early = told.fate === 'TCP_CSUM' || told.fate === 'IP_CSUM';
        if (!early) this.#push({ ...seen, at, host: to, direction: 'in' });
        if (told.fate !== undefined && told.fate !== 'lost') {
          this.#push({
            type: 'drop',
            at,
            host: to,
            layer: 'tcp',
            reason: told.fate,
            ...(early ? {} : { connection: 1 }),
          });
        }
        then?.();
      },
    });
    return this;
  }

  #push(event: TraceEvent): this {
    this.events.push(event);
    return this;
  }

  #at(): Instant {
    return ms(this.now) as number as Instant;
  }
}

function absolute(host: string, relative: number): SeqNumber {
  return seq((ISS[host] ?? 0) + relative);
}

function segmentOf(from: string, to: string, told: Told, at: Instant): SegmentEvent {
  const has = (letter: string): boolean => told.flags.includes(letter);
  const block = { left: 0, right: 0 };
  const sack = told.options?.sack?.map(({ left, right }) => ({
    ...block,
    left: absolute(to, left),
    right: absolute(to, right),
  }));
  return {
    type: 'segment',
    at,
    host: from,
    direction: 'out',
    connection: 1,
    source: ADDRESSES[from] ?? ipv4(0, 0, 0, 0),
    destination: ADDRESSES[to] ?? ipv4(0, 0, 0, 0),
    header: {
      sourcePort: PORTS[from] ?? 0,
      destinationPort: PORTS[to] ?? 0,
      seq: absolute(from, told.seq),
      ack: told.ack === undefined ? undefined : absolute(to, told.ack),
      syn: has('S'),
      fin: has('F'),
      rst: has('R'),
      psh: has('P'),
      urgentPointer: undefined,
      ece: false,
      cwr: false,
      ae: false,
      window: told.window ?? 65535,
      options: told.options === undefined ? NO_OPTIONS : options({ ...told.options, ...(sack && { sack }) }),
    },
    length: told.length ?? 0,
    segmentSize: told.segmentSize ?? 0,
    ...(told.cause && { cause: told.cause }),
    ...(told.reset && { reset: told.reset }),
  };
}

/** The frame as a device with offloads gets it: its checksum partial. */
function frameOf(segment: SegmentEvent, identification: number): FrameEvent {
  const { source, destination } = segment;
  if (typeof source !== 'number' || typeof destination !== 'number') throw new Error('IPv4 only');
  const packet = PacketBuffer.allocate(100 + segment.length, 100);
  packet.tail += segment.length;
  for (let i = 0; i < segment.length; i++) packet.bytes[packet.head + i] = 97 + (i % 26);
  packet.checksum = 'partial';
  tcp.emit(segment.header, packet, source, destination);
  ip.emit(
    {
      source,
      destination,
      protocol: ip.PROTOCOL_TCP,
      ttl: 64,
      tos: 0,
      identification,
      dontFragment: true,
      moreFragments: false,
      fragmentOffset: 0,
    },
    packet,
  );
  return {
    type: 'frame',
    at: segment.at,
    host: segment.host,
    direction: 'out',
    device: 'tun0',
    medium: 'ip',
    bytes: packet.bytes,
    head: packet.head,
    tail: packet.tail,
    segmentSize: segment.segmentSize,
    partialChecksum: true,
  };
}

/** Handshake, a lost segment, its retransmission by the timer, a segment with a bad checksum, and the close. */
export function lossStory(): Story {
  const s = new Story(10);
  const mss = { mss: 1460 };
  s.at(0).opens('a', false).state('a', 'CLOSED', 'SYN-SENT', 'active OPEN');
  s.send('a', { flags: 'S', seq: 0, cause: 'syn', options: mss }, () => {
    s.opens('b', true).state('b', 'LISTEN', 'SYN-RECEIVED', 'rcv SYN');
    s.send('b', { flags: 'S', seq: 0, ack: 1, cause: 'syn-ack', options: mss }, () => {
      s.state('a', 'SYN-SENT', 'ESTABLISHED', 'rcv SYN,ACK');
      s.send('a', { flags: '', seq: 1, ack: 1, cause: 'ack' }, () => {
        s.state('b', 'SYN-RECEIVED', 'ESTABLISHED', 'rcv ACK of SYN');
      });
    });
  });
  s.at(30).send('a', { flags: 'P', seq: 1, ack: 1, length: 100, cause: 'data', fate: 'lost' });
  s.at(230).timer('a', 'retransmission');
  s.send('a', { flags: 'P', seq: 1, ack: 1, length: 100, cause: 'retransmit-timeout' }, () => {
    s.send('b', { flags: '', seq: 1, ack: 101, cause: 'ack' });
  });
  s.at(260).send('b', { flags: 'P', seq: 1, ack: 101, length: 20, cause: 'data', fate: 'TCP_CSUM' });
  s.at(460).timer('b', 'retransmission');
  s.send('b', { flags: 'P', seq: 1, ack: 101, length: 20, cause: 'retransmit-timeout' }, () => {
    s.send('a', { flags: '', seq: 101, ack: 21, cause: 'ack' });
  });
  closeStory(s);
  return s;
}

function closeStory(s: Story): void {
  s.at(500).state('a', 'ESTABLISHED', 'FIN-WAIT-1', 'CLOSE');
  s.send('a', { flags: 'F', seq: 101, ack: 21, cause: 'fin' }, () => {
    s.state('b', 'ESTABLISHED', 'CLOSE-WAIT', 'rcv FIN');
    s.send('b', { flags: '', seq: 21, ack: 102, cause: 'ack' }, () => {
      s.state('a', 'FIN-WAIT-1', 'FIN-WAIT-2', 'rcv ACK of FIN');
    });
  });
  s.at(530).state('b', 'CLOSE-WAIT', 'LAST-ACK', 'CLOSE');
  s.send('b', { flags: 'F', seq: 21, ack: 102, cause: 'fin' }, () => {
    s.state('a', 'FIN-WAIT-2', 'TIME-WAIT', 'rcv FIN');
    s.send('a', { flags: '', seq: 102, ack: 22, cause: 'ack' }, () => {
      s.state('b', 'LAST-ACK', 'CLOSED', 'rcv ACK of FIN');
    });
  });
  s.at(1000);
  s.at(2540).timer('a', 'time-wait').state('a', 'TIME-WAIT', 'CLOSED', 'timeout 2 MSL');
}

/** A burst in which one segment is lost: SACK, fast retransmission; then a super-segment, a reset, and a closed window. */
export function burstStory(): Story {
  const s = new Story(20);
  const mss = 1460;
  s.at(0).state('a', 'CLOSED', 'SYN-SENT', 'active OPEN');
  s.send('a', { flags: 'S', seq: 0, cause: 'syn', options: { mss, sackPermitted: true } }, () => {
    s.state('b', 'LISTEN', 'SYN-RECEIVED', 'rcv SYN');
    const both = { mss, sackPermitted: true };
    s.send('b', { flags: 'S', seq: 0, ack: 1, cause: 'syn-ack', options: both }, () => {
      s.state('a', 'SYN-SENT', 'ESTABLISHED', 'rcv SYN,ACK');
      s.send('a', { flags: '', seq: 1, ack: 1, cause: 'ack' }, () => {
        s.state('b', 'SYN-RECEIVED', 'ESTABLISHED', 'rcv ACK of SYN');
      });
    });
  });
  s.at(70);
  for (let i = 0; i < 5; i++) {
    const lost = i === 1 ? { fate: 'lost' as const } : {};
    s.send('a', { flags: '', seq: 1 + i * mss, ack: 1, length: mss, cause: 'data', ...lost }, () => {
      if (i < 1) return void s.send('b', { flags: '', seq: 1, ack: 1 + mss, cause: 'ack' });
      const sack = [{ left: 1 + 2 * mss, right: 1 + (i + 1) * mss }] as unknown as NonNullable<
        TcpOptions['sack']
      >;
      s.send('b', { flags: '', seq: 1, ack: 1 + mss, cause: 'duplicate-ack', options: { sack } }, () => {
        if (i !== 4) return;
        const again = { flags: '', seq: 1 + mss, ack: 1, length: mss, cause: 'fast-retransmit' as const };
        s.send('a', again, () => s.send('b', { flags: '', seq: 1, ack: 1 + 5 * mss, cause: 'ack' }));
      });
    });
  }
  s.at(200).send(
    'a',
    { flags: 'P', seq: 7301, ack: 1, length: 4 * mss, segmentSize: mss, cause: 'data' },
    () => {
      s.send('b', { flags: '', seq: 1, ack: 7301 + 4 * mss, window: 0, cause: 'ack' });
    },
  );
  s.at(260).send('b', { flags: '', seq: 1, ack: 1, cause: 'ack', fate: 'TCP_TOO_OLD_ACK' });
  s.at(300).state('b', 'ESTABLISHED', 'CLOSED', 'ABORT');
  s.send(
    'b',
    { flags: 'R', seq: 1, ack: 7301 + 4 * mss, cause: 'reset', reset: 'TCP_ABORT_ON_CLOSE' },
    () => {
      s.state('a', 'ESTABLISHED', 'CLOSED', 'rcv RST');
    },
  );
  s.at(1000);
  return s;
}
