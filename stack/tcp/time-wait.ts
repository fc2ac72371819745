/**
 * A connection in TIME-WAIT as a record: what RFC 9293 3.10.7.4, RFC 1337 and RFC 6191 still ask of it. A segment or a look makes the
 * connection of it again, so the rules stay where the others are (attacks.md A17).
 */

import { type Instant, NEVER } from '../time.ts';
import type { TcpConnection } from './connection.ts';
import type { CompactRecords } from './records.ts';
import { add, geq, seq } from './sequence.ts';
import type { TcpHeader } from '../wire/tcp.ts';

/** Words of a record; the id is where a half-open one has it. */
const SND_NXT = 0;
const RCV_NXT = 1;
const RCV_EDGE = 2;
const FLAGS = 3;
const TS_RECENT = 4;
const MAX_SND_WND = 5;
const ID = 6;
const BUFFER = 7;
const ISS = 8;
const IRS = 9;
const PEER_MSS = 10;
/** Doubles. */
const TS_RECENT_AT = 0;
const LAST_CHALLENGE = 1;
/** Bits of FLAGS; 0 to 3: Rcv.Wind.Shift, 4 to 7: Snd.Wind.Shift, 16 to 23: Differentiated Services and ECN. */
const TIMESTAMPS = 1 << 8;
const SCALING = 1 << 9;
const PASSIVE = 1 << 10;
const HAS_TS_RECENT = 1 << 11;

/** Whether nothing is left of the connection but its waiting: all read, all told, nothing due, nobody who looks at it. */
export function fitsTimeWaitRecord(connection: TcpConnection): boolean {
  const { receiver, sender } = connection;
  return (
    !connection.hasEvents &&
    !connection.challengeDue &&
    receiver.ackDue === 'none' &&
    receiver.duplicateAcks === 0 &&
    receiver.queue.length === 0 &&
    sender.una === sender.nxt &&
    connection.timers.deadline('time-wait') !== NEVER
  );
}

/** Writes it into a row that was made for it. */
export function writeTimeWait(records: CompactRecords, row: number, connection: TcpConnection): void {
  const { sender, receiver } = connection;
  records.setWord(row, SND_NXT, sender.nxt);
  records.setWord(row, RCV_NXT, receiver.nxt);
  records.setWord(row, RCV_EDGE, receiver.edge);
  records.setWord(
    row,
    FLAGS,
    receiver.windShift |
      (sender.windShift << 4) |
      (connection.timestamps ? TIMESTAMPS : 0) |
      (connection.windowScaling ? SCALING : 0) |
      (connection.passive ? PASSIVE : 0) |
      (receiver.tsRecent === undefined ? 0 : HAS_TS_RECENT) |
      (connection.typeOfService << 16),
  );
  records.setWord(row, TS_RECENT, receiver.tsRecent ?? 0);
  records.setWord(row, MAX_SND_WND, sender.maxWnd);
  records.setWord(row, ID, connection.id);
  records.setWord(row, BUFFER, receiver.buffer);
  records.setWord(row, ISS, sender.iss);
  records.setWord(row, IRS, receiver.irs);
  records.setWord(row, PEER_MSS, receiver.peerMss);
  records.setNumber(row, TS_RECENT_AT, receiver.tsRecentAt);
  records.setNumber(row, LAST_CHALLENGE, connection.lastChallenge);
}

/** The connection was opened by the peer. */
export function wasPassive(records: CompactRecords, row: number): boolean {
  return (records.word(row, FLAGS) & PASSIVE) !== 0;
}

/** Makes the new connection what the record says. */
export function readTimeWait(records: CompactRecords, row: number, connection: TcpConnection): void {
  const { sender, receiver } = connection;
  const flags = records.word(row, FLAGS);
  const nxt = seq(records.word(row, SND_NXT));
  sender.start(add(nxt, -2));
  sender.finQueued = true; // the FIN took the number before SND.NXT, and is acknowledged
  sender.nxt = nxt;
  sender.una = nxt;
  sender.iss = seq(records.word(row, ISS));
  sender.windShift = (flags >>> 4) & 15;
  sender.maxWnd = records.word(row, MAX_SND_WND);
  receiver.irs = seq(records.word(row, IRS));
  receiver.nxt = seq(records.word(row, RCV_NXT));
  receiver.edge = seq(records.word(row, RCV_EDGE));
  receiver.windShift = flags & 15;
  receiver.buffer = records.word(row, BUFFER);
  receiver.peerMss = records.word(row, PEER_MSS);
  receiver.lastAckSent = receiver.nxt;
  receiver.finReceived = true;
  if ((flags & HAS_TS_RECENT) !== 0) {
    receiver.tsRecent = records.word(row, TS_RECENT);
    receiver.tsRecentAt = records.number(row, TS_RECENT_AT) as Instant;
  }
  connection.timestamps = (flags & TIMESTAMPS) !== 0;
  connection.windowScaling = (flags & SCALING) !== 0;
  connection.typeOfService = (flags >>> 16) & 0xff;
  connection.lastChallenge = records.number(row, LAST_CHALLENGE) as Instant;
  connection.timers.restore('time-wait', records.deadline(row));
  connection.resume('TIME-WAIT', false); // what a record does not keep is told anew
  connection.traceVariables();
}

/** Whether a SYN is newer than the connection, by its timestamp or, where that tells nothing, by its number [RFC 6191 2]. */
export function isNewer({ receiver }: TcpConnection, { seq: at, options }: TcpHeader): boolean {
  const { timestamps } = options;
  const { tsRecent, nxt } = receiver;
  const told = timestamps === undefined || tsRecent === undefined ? 0 : (timestamps.value - tsRecent) | 0;
  return told > 0 || (told === 0 && geq(at, nxt));
}
