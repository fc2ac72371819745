import { type Duration, type Instant, between, us } from '../time.ts';
import { RETRANSMISSIONS } from '../trace.ts';
import type { TcpConnection } from './connection.ts';
import type { ArrivedSegment, OutgoingSegment } from './segment.ts';
import { isSynchronized } from './states.ts';

/** What the sender waits for, the more remarkable the larger: nothing, the path and cwnd, the peer's window, the send buffer. */
type SendingLimit = 0 | 1 | 2 | 3;

const IDLE = 0;
const BUSY = 1;
const WINDOW = 2;
const BUFFER = 3;

/**
 * What is counted of a connection's data, in the terms of RFC 4898. There is none before the first data, retransmission or timeout, so
 * that a connection that does nothing costs little. Segments are those of the wire, whatever a device cuts or merges.
 */
export class DataCounts {
  /** Segments with payload that came, wanted or not [RFC 4898 tcpEStatsPerfDataSegsIn]. */
  segmentsIn: number = 0;
  /** Segments with payload that left, for the first time or again [tcpEStatsPerfDataSegsOut]. */
  segmentsOut: number = 0;
  /** Payload bytes that left, for the first time or again [tcpEStatsPerfDataOctetsOut]. */
  bytesOut: number = 0;
  /** Segments that left again, SYNs and FINs among them [tcpEStatsPerfSegsRetrans]. */
  segmentsAgain: number = 0;
  /** Payload bytes that left again [tcpEStatsPerfOctetsRetrans]. */
  bytesAgain: number = 0;
  /** Payload bytes that were acknowledged [tcpEStatsAppThruOctetsAcked]. */
  bytesAcked: number = 0;
  /** Payload bytes that were received in order [tcpEStatsAppThruOctetsReceived]. */
  bytesReceived: number = 0;
  /** Segments that came before their turn and were kept. */
  outOfOrder: number = 0;
  /** When payload last left, and last came; undefined: never. */
  sentAt: Instant | undefined;
  receivedAt: Instant | undefined;
  /** Expiries of the retransmission timer, the recoveries that they began, and the time those took. */
  timeouts: number = 0;
  timeoutRecoveries: number = 0;
  timeoutTime: number = 0;
  /** When the recovery from a timeout that is under way began. */
  timeoutSince: Instant | undefined;
  /** What the sender waits for, since when, and how long it did in all: in the order of `SendingLimit`, µs. */
  limit: SendingLimit = IDLE;
  limitedSince: Instant = 0 as Instant;
  busyTime: number = 0;
  windowTime: number = 0;
  bufferTime: number = 0;

  /** Whatever the sender waited for until `now`, from now on it is `limit`. */
  limitBy(limit: SendingLimit, now: Instant): void {
    if (limit === this.limit) return;
    const passed = between(this.limitedSince, now);
    if (this.limit === BUSY) this.busyTime += passed;
    else if (this.limit === WINDOW) this.windowTime += passed;
    else if (this.limit === BUFFER) this.bufferTime += passed;
    this.limit = limit;
    this.limitedSince = now;
  }
}

/** What is counted of every connection. */
export class Counts {
  /** Segments that came and left, of any kind [RFC 4898 tcpEStatsPerfSegsIn, SegsOut]. */
  segmentsIn: number = 0;
  segmentsOut: number = 0;
  /** When the handshake was over. */
  establishedAt: Instant = 0 as Instant;
  data: DataCounts | undefined;

  /** The counts of data, from now on. */
  get more(): DataCounts {
    this.data ??= new DataCounts();
    return this.data;
  }

  /** The retransmission timer went off; `first`: for the first time since SND.UNA moved. */
  timeout(first: boolean, now: Instant): void {
    const data = this.more;
    data.timeouts += 1;
    if (!first) return;
    data.timeoutRecoveries += 1;
    data.timeoutSince ??= now;
  }

  /** The connection had rested as a record, which keeps no counts: a SYN came at `since`, its answer left and left again. */
  restore(retransmissions: number, since: Instant): void {
    this.segmentsIn = 1;
    this.segmentsOut = 1 + retransmissions;
    if (retransmissions === 0) return;
    const data = this.more;
    data.segmentsAgain = retransmissions;
    data.timeouts = retransmissions;
    data.timeoutRecoveries = 1;
    data.timeoutSince = since; // as Linux has it
  }

  /** What the timeout had begun is over. */
  recovered(now: Instant): void {
    const { data } = this;
    if (data?.timeoutSince === undefined) return;
    data.timeoutTime += between(data.timeoutSince, now);
    data.timeoutSince = undefined;
  }
}

/** A segment came for the connection. */
export function countArrival(
  { counts, context }: TcpConnection,
  { length, wireSegments }: ArrivedSegment,
): void {
  counts.segmentsIn += wireSegments;
  if (length === 0) return;
  const data = counts.more;
  data.segmentsIn += wireSegments;
  data.receivedAt = context.now;
}

/** SND.UNA or RCV.NXT may have moved: their distances from the ISNs are counted on where they wrap. */
export function countProgress({ counts, sender, receiver }: TcpConnection): void {
  const { data } = counts;
  if (data === undefined) return;
  // Where a number equals its ISN, nothing has come yet, or 2^32 bytes: the next segment counts them.
  if (sender.una !== sender.iss) {
    const acked = sender.una - sender.iss - (sender.finAcknowledged ? 2 : 1);
    data.bytesAcked += (acked - data.bytesAcked) >>> 0;
  }
  if (receiver.nxt !== receiver.irs) {
    const received = receiver.nxt - receiver.irs - (receiver.finReceived ? 2 : 1);
    data.bytesReceived += (received - data.bytesReceived) >>> 0;
  }
}

/** A segment leaves. */
export function countDeparture(
  { counts, context, retransmissions }: TcpConnection,
  segment: OutgoingSegment,
): void {
  const { length, segmentSize, cause } = segment;
  const segments = segmentSize > 0 ? Math.ceil(length / segmentSize) : 1;
  counts.segmentsOut += segments;
  if (length > 0) {
    const data = counts.more;
    data.segmentsOut += segments;
    data.bytesOut += length;
    data.sentAt = context.now;
  }
  if (cause === 'data' || cause === 'ack') return;
  const handshakeAgain = segment.header.syn && retransmissions > 0;
  if (!handshakeAgain && !RETRANSMISSIONS.includes(cause)) return;
  counts.more.segmentsAgain += segments;
  counts.more.bytesAgain += length;
}

/**
 * Nothing more leaves now: what for? As Linux's chronographs tell it, one limit at a time, the most remarkable one: all of the send
 * buffer is out, the program has more, and cwnd would let it go; or else the peer's window holds back what cwnd would let go.
 */
export function countLimit(connection: TcpConnection): void {
  const { counts, context } = connection;
  const limit = isSynchronized(connection.state) ? limitOf(connection) : IDLE;
  if (limit === IDLE && counts.data === undefined) return;
  counts.more.limitBy(limit, context.now);
}

function limitOf({ state, sender, writableWanted }: TcpConnection): SendingLimit {
  const { flightSize, unsent, mss } = sender;
  if (state === 'TIME-WAIT' || (flightSize === 0 && unsent <= 0)) return IDLE;
  if (unsent > 0) {
    const held = sender.congestionRoom > 0 && sender.wnd - flightSize < Math.min(mss, unsent);
    return held ? WINDOW : BUSY;
  }
  return writableWanted && sender.congestionRoom >= mss ? BUFFER : BUSY;
}

/** How long the sender waited for each thing so far, in µs: for anything at all, for the peer's window, for the send buffer. */
export function limitTimes(
  data: DataCounts | undefined,
  now: Instant,
): { readonly busy: Duration; readonly window: Duration; readonly buffer: Duration } {
  if (data === undefined) return { busy: us(0), window: us(0), buffer: us(0) };
  const { limit, busyTime, windowTime, bufferTime } = data;
  const passed = between(data.limitedSince, now);
  const window = us(windowTime + (limit === WINDOW ? passed : 0));
  const buffer = us(bufferTime + (limit === BUFFER ? passed : 0));
  return { busy: us(busyTime + (limit === BUSY ? passed : 0) + window + buffer), window, buffer };
}
