/**
 * Path MTU discovery of a connection: by what routers say [RFC 1191, RFC 8201], and, since they often say nothing, by probing
 * [RFC 4821, RFC 8899]. Sizes of packets are in bytes of IP packet; the MSS follows from them.
 */

import type { DropReason } from '../drop-reasons.ts';
import { type Instant, after } from '../time.ts';
import { isIPv4 } from '../wire/address.ts';
import type { TcpConnection } from './connection.ts';
import type { Sender } from './sender.ts';

/** IP and TCP headers without options. */
const HEADERS_V4 = 40;
const HEADERS_V6 = 60;
/** The least that every IPv6 path carries [RFC 8200 5]. */
const IPV6_MINIMUM = 1_280;
/** Sizes that occur, for routers that do not say theirs [RFC 1191 7.1, the table of plateaus, with today's among them]. */
const PLATEAUS: readonly number[] = [
  32_000, 17_914, 8_166, 4_352, 2_002, 1_492, 1_280, 1_006, 576, 508, 296, 68,
];
/** What is tried when larger packets vanish without a word: most tunnels, then what every host has to take [RFC 8899 5.1.2]. */
const BASES: readonly number[] = [1_280, 576];
/** Probes of one size that may be lost before it counts as too large: MAX_PROBES [RFC 8899 5.1.2]. */
const MOST_PROBES = 3;
/** The search ends when what is left of it is smaller than this. */
const CLOSE_ENOUGH = 32;

/** IP and TCP headers of a segment without options, in bytes. */
export function headerBytes(connection: TcpConnection): number {
  return isIPv4(connection.remote.address) ? HEADERS_V4 : HEADERS_V6;
}

/** The search for the largest packet that arrives [RFC 8899 5.3]. */
export interface MtuSearch {
  /** The largest that is known to arrive, and the smallest that is taken not to. */
  low: number;
  high: number;
  /** The size to try next, or that is out. */
  size: number;
  isOut: boolean;
  /** Probes of that size that were lost. */
  tries: number;
  /** Not before then: PMTU_RAISE_TIMER. */
  from: Instant;
}

/**
 * A router says that a segment of `connection` was too large; the sequence number it quotes was checked. `reported`: the next hop's MTU, 0
 * if the router does not say [RFC 1191 5]. Only ever lowers the estimate [RFC 8201 4]. Returns why it is passed over.
 */
export function packetTooBig(connection: TcpConnection, reported: number): DropReason | undefined {
  const { pathMtu, context } = connection;
  const v4 = isIPv4(connection.remote.address);
  const told = reported === 0 && v4 ? (PLATEAUS.find((size) => size < pathMtu) ?? 68) : reported;
  const floor = v4 ? context.settings.ip.minPathMtu : IPV6_MINIMUM;
  if (told >= pathMtu) return 'PKT_TOO_BIG';
  if (told < floor && v4) connection.mayFragment = true; // below what we believe routers: let them cut (Linux: a locked MTU)
  if (pathMtu <= floor) return undefined;
  const mtu = Math.max(told, floor);
  const { search } = connection;
  if (search !== undefined) {
    search.high = Math.min(search.high, mtu + 1);
    search.low = Math.min(search.low, mtu);
    search.size = middle(search);
  } else {
    // Paths change: a larger size is tried after a while [RFC 1191 6.3; RFC 8201 4].
    connection.search = newSearch(connection, mtu, pathMtu + 1);
  }
  lower(connection, mtu);
  return undefined;
}

/** Large segments were sent again in vain: perhaps larger packets vanish [RFC 4821 7.7; RFC 8899 4.3]. Called upon each timeout. */
export function suspectBlackHole(connection: TcpConnection): void {
  const { pathMtu, context, retransmissions, sender } = connection;
  const { mtuProbing, blackHoleTimeouts } = context.settings.tcp;
  if (mtuProbing === 'off' || retransmissions < blackHoleTimeouts) return;
  const first = sender.scoreboard.first;
  if (first === undefined) return;
  const floor = isIPv4(connection.remote.address) ? context.settings.ip.minPathMtu : IPV6_MINIMUM;
  // A last segment that is not full-sized may be too large as well; what fits the smallest base vanishes for another reason.
  const packet = Math.min(first.length, sender.mss) + headerBytes(connection);
  const base = BASES.find((size) => size < Math.min(packet, pathMtu) && size >= floor);
  if (base === undefined) return;
  // So small a path is rare: only after twice as many.
  if (base < IPV6_MINIMUM && retransmissions < 2 * blackHoleTimeouts) return;
  connection.search = { ...newSearch(connection, base, pathMtu), from: context.now };
  connection.search.size = middle(connection.search); // the largest has just failed
  lower(connection, base);
}

function newSearch(connection: TcpConnection, low: number, high: number): MtuSearch {
  const { now, settings } = connection.context;
  // First what the link takes, for that is the likeliest.
  const size = high - 1;
  return { low, high, size, isOut: false, tries: 0, from: after(now, settings.ip.pathMtuTimeout) };
}

/** The estimate falls: what is out and too large leaves again at once, since it is not congestion that lost it [RFC 1191 6.5; RFC 8201 5.4]. */
function lower(connection: TcpConnection, mtu: number): void {
  const { sender, recovery, context } = connection;
  connection.pathMtu = mtu;
  updateMss(connection);
  const { mss, scoreboard } = sender;
  for (let record = scoreboard.oldest; record !== undefined; ) {
    const { newer } = record;
    if (record.segmentSize > mss && record.length > mss) {
      record.isForgiven = true;
      scoreboard.markLost(record);
    }
    record = newer;
  }
  if (recovery.state === 'Open' || recovery.state === 'Disorder') sender.lossCause = 'mtu-retransmit';
  context.tracer?.({
    type: 'note',
    at: context.now,
    host: context.name,
    connection: connection.id,
    text: `path MTU ${mtu}, so the MSS is ${mss}`,
  });
}

/**
 * Effective send MSS: the smaller of what the peer takes and what the path takes, less the options of every segment
 * [RFC 9293 3.7.1, MUST-15, MUST-16; RFC 6691].
 */
export function updateMss(connection: TcpConnection): void {
  const { sender, context, deviceCuts, ecn } = connection;
  const { superSegments } = context.settings.tcp;
  const options = connection.timestamps ? TIMESTAMPS_LENGTH : 0;
  const path = Math.min(connection.pathMtu - headerBytes(connection), connection.announcedMss);
  const mss = Math.max(Math.min(connection.peerMss, path) - options, 1);
  const before = sender.mss;
  sender.mss = mss;
  // 65,535 bytes of IP packet less the largest headers, in whole segments.
  const cuts = superSegments && deviceCuts && !ecn.cuttingHarms;
  sender.largest = cuts ? Math.max(mss, Math.floor((65_535 - 120) / mss) * mss) : mss;
  if (sender.congestion.cwnd > 0 && before !== mss) sender.congestion.mssChanged(mss);
}

/** Bytes that timestamps take of every segment, padding included [RFC 7323 appendix A]. */
const TIMESTAMPS_LENGTH = 12;

/**
 * Payload bytes of a probe that is to leave now, larger than the MSS; 0: none. Without SACK a lost one counts as congestion, and ends the
 * search; in quiet times; with enough behind it that its loss is found at once [RFC 4821 7.4].
 */
export function mtuProbeDue(connection: TcpConnection): number {
  const { search, sender, context } = connection;
  if (search === undefined || search.isOut || search.from > context.now) return 0;
  if (connection.recovery.state !== 'Open' || connection.mayFragment) return 0;
  if (search.high - search.low <= CLOSE_ENOUGH) {
    connection.search = undefined;
    return 0;
  }
  const length = search.size - (connection.pathMtu - sender.mss);
  return isWorthProbing(sender, length) ? length : 0;
}

/** With more to send behind it, and with room in both windows for it and for more. */
function isWorthProbing(sender: Sender, length: number): boolean {
  const { scoreboard, congestion, wnd, mss } = sender;
  const needed = length + 3 * mss;
  if (scoreboard.lostBytes > 0 || sender.unsent < needed || congestion.cwnd < needed || wnd < needed)
    return false;
  return sender.flightSize > 0 || sender.congestionRoom >= length;
}

/** It has left. */
export function mtuProbeSent({ search }: TcpConnection): void {
  if (search !== undefined) search.isOut = true;
}

/** It has arrived: packets of its size may be sent [RFC 8899 5.3.1]; or it was lost, three times: its size is too large [5.3]. */
export function mtuProbeSettled(connection: TcpConnection, arrived: boolean): void {
  const { search } = connection;
  if (search === undefined || !search.isOut) return;
  search.isOut = false;
  if (arrived) {
    search.low = search.size;
    connection.pathMtu = search.size;
    updateMss(connection);
  } else {
    search.tries += 1;
    if (search.tries < MOST_PROBES) return;
    search.high = search.size;
  }
  search.tries = 0;
  search.size = middle(search);
}

function middle({ low, high }: MtuSearch): number {
  return (low + high) >>> 1;
}
