/**
 * A half-open connection as a record: what a SYN said and what became of our SYN-ACK. A segment, a deadline or a look makes the connection
 * of it again, so every rule of SYN-RECEIVED is where the others are, in `arrives.ts` (attacks.md A7).
 */

import { type Instant, NEVER } from '../time.ts';
import { NO_OPTIONS, type TcpOptions } from '../wire/tcp-options.ts';
import type { TcpConnection } from './connection.ts';
import { negotiate } from './options.ts';
import type { CompactRecords } from './records.ts';
import { type SeqNumber, seq } from './sequence.ts';
import { LARGEST_SYN_RTO } from './timeouts.ts';

/** What a SYN offers. */
export interface SynOffer {
  readonly options: TcpOptions;
  readonly ae: boolean;
  readonly cwr: boolean;
  readonly ece: boolean;
  /** The ECN codepoint that it came with. */
  readonly codepoint: number;
}

/** What of a SYN matters later. */
export interface SynFacts extends SynOffer {
  readonly irs: SeqNumber;
  readonly iss: SeqNumber;
  /** As on the wire. */
  readonly window: number;
}

/** Words of a record. */
const ISS = 0;
const IRS = 1;
const WINDOW_MSS = 2;
const FLAGS = 3;
const TS_RECENT = 4;
export const HALF_OPEN_LISTENER = 5;
export const RECORD_ID = 6;
/** Doubles. */
const OPENED_AT = 0;
const TIMED_AT = 1;
const LAST_CHALLENGE = 2;
/** Bits of FLAGS; 0 to 7: retransmissions, 8 to 15: the peer's shift. */
const HAS_MSS = 1 << 16;
const HAS_SCALE = 1 << 17;
const HAS_TIMESTAMPS = 1 << 18;
const SACK_PERMITTED = 1 << 19;
const SYN_RETRANSMITTED = 1 << 20;
const AE = 1 << 21;
const CWR = 1 << 22;
const ECE = 1 << 23;
const CODEPOINT_SHIFT = 24;

/** Whether nothing about the connection is beyond a record: no text that came with the SYN, nothing due, nobody who looks at it. */
export function fitsHalfOpenRecord(connection: TcpConnection): boolean {
  const { receiver } = connection;
  return (
    connection.passive &&
    connection.owner === undefined &&
    connection.fastOpened === undefined && // its cookie and its data need a connection
    !connection.synDue &&
    !connection.challengeDue &&
    receiver.ackDue === 'none' &&
    receiver.duplicateAcks === 0 &&
    receiver.assembler.length === 0 &&
    receiver.finAt === undefined &&
    connection.timers.deadline('retransmission') !== NEVER
  );
}

/** Writes it into a row that was made for it. */
export function writeHalfOpen(
  records: CompactRecords,
  row: number,
  connection: TcpConnection,
  offer: SynOffer,
): void {
  const { sender, receiver, ecn } = connection;
  const { options: syn } = offer;
  const withEcn = ecn.mode !== 'off'; // else it was refused, or the peer has given it up
  records.setWord(row, ISS, sender.iss);
  records.setWord(row, IRS, receiver.irs);
  records.setWord(row, WINDOW_MSS, sender.wnd * 0x1_0000 + (syn.mss ?? 0));
  records.setWord(
    row,
    FLAGS,
    Math.min(connection.retransmissions, 0xff) |
      ((syn.windowScale ?? 0) << 8) |
      (syn.mss === undefined ? 0 : HAS_MSS) |
      (syn.windowScale === undefined ? 0 : HAS_SCALE) |
      (syn.timestamps === undefined ? 0 : HAS_TIMESTAMPS) |
      (syn.sackPermitted ? SACK_PERMITTED : 0) |
      (connection.synRetransmitted ? SYN_RETRANSMITTED : 0) |
      (withEcn && offer.ae ? AE : 0) |
      (withEcn && offer.cwr ? CWR : 0) |
      (withEcn && offer.ece ? ECE : 0) |
      (offer.codepoint << CODEPOINT_SHIFT),
  );
  records.setWord(row, TS_RECENT, syn.timestamps?.value ?? 0);
  records.setWord(row, RECORD_ID, connection.id);
  records.setNumber(row, OPENED_AT, connection.progressAt);
  records.setNumber(row, TIMED_AT, connection.timed?.at ?? Number.NaN);
  records.setNumber(row, LAST_CHALLENGE, connection.lastChallenge);
}

/** What the record in `row` says of the SYN. */
export function synOf(records: CompactRecords, row: number): SynFacts {
  const flags = records.word(row, FLAGS);
  const windowMss = records.word(row, WINDOW_MSS);
  return {
    iss: seq(records.word(row, ISS)),
    irs: seq(records.word(row, IRS)),
    window: windowMss >>> 16,
    ae: (flags & AE) !== 0,
    cwr: (flags & CWR) !== 0,
    ece: (flags & ECE) !== 0,
    codepoint: (flags >>> CODEPOINT_SHIFT) & 3,
    options: {
      ...NO_OPTIONS,
      mss: (flags & HAS_MSS) === 0 ? undefined : windowMss & 0xffff,
      windowScale: (flags & HAS_SCALE) === 0 ? undefined : (flags >>> 8) & 0xff,
      sackPermitted: (flags & SACK_PERMITTED) !== 0,
      timestamps:
        (flags & HAS_TIMESTAMPS) === 0 ? undefined : { value: records.word(row, TS_RECENT), echo: 0 },
    },
  };
}

/** Puts a new connection into SYN-RECEIVED as `syn` has it; the trace, if it is to hear of it, is the caller's affair. */
export function takeUpSyn(connection: TcpConnection, syn: SynFacts, openedAt: Instant): void {
  const { receiver, sender, context } = connection;
  sender.start(syn.iss);
  connection.recovery.start(syn.iss);
  receiver.synArrived(syn.irs);
  negotiate(connection, syn.options, context.settings.tcp);
  if (receiver.tsRecent !== undefined) receiver.tsRecentAt = openedAt;
  sender.setWindow(syn.irs, sender.iss, syn.window);
  connection.synOffer = syn;
  connection.ecn.synArrived(syn, syn.codepoint, false);
  connection.counts.restore(0, openedAt);
  connection.heardAt = openedAt;
  connection.progressAt = openedAt;
}

/** Makes the new connection what the record says. */
export function readHalfOpen(records: CompactRecords, row: number, connection: TcpConnection): void {
  const { rtt, sender, context } = connection;
  const flags = records.word(row, FLAGS);
  takeUpSyn(connection, synOf(records, row), records.number(row, OPENED_AT) as Instant);
  connection.retransmissions = flags & 0xff;
  connection.counts.restore(connection.retransmissions, connection.progressAt);
  connection.synRetransmitted = (flags & SYN_RETRANSMITTED) !== 0;
  connection.ecn.synAckFlags(0); // what was sent counts: ECN is not offered for ever
  for (let i = 1; i <= connection.retransmissions; i++) {
    rtt.backOff(LARGEST_SYN_RTO);
    connection.ecn.synAckFlags(i);
  }
  // What was told is told again, since nobody has heard it yet.
  if (connection.retransmissions >= context.settings.tcp.r1)
    connection.tell({ type: 'soft-error', what: 'r1' });
  const timedAt = records.number(row, TIMED_AT);
  if (!Number.isNaN(timedAt)) connection.timed = { end: sender.nxt, at: timedAt as Instant };
  connection.lastChallenge = records.number(row, LAST_CHALLENGE) as Instant;
  connection.timers.restore('retransmission', records.deadline(row));
  connection.resume('SYN-RECEIVED');
}
