import type { TcpSettings } from '../settings.ts';
import { NO_OPTIONS, type TcpOptions } from '../wire/tcp-options.ts';
import type { TcpConnection } from './connection.ts';
import { withFastOpen } from './fast-open.ts';
import { updateMss } from './path-mtu.ts';
import { BlockWriter } from './sack-blocks.ts';

/** Largest shift that means anything [RFC 7323 2.3]. */
const MAX_SHIFT = 14;

/** The shift with which `largest` bytes can be offered in 16 bits [RFC 7323 2.2]. */
export function windowShift(largest: number): number {
  let shift = 0;
  while (shift < MAX_SHIFT && largest > 0xffff * 2 ** shift) shift += 1;
  return shift;
}

/** What a SYN offers; a SYN-ACK only what the SYN offered too [RFC 9293 3.1, MUST-14, SHLD-5, MAY-3; RFC 7323 2.2, 3.2]. */
export function synOptions(connection: TcpConnection, settings: TcpSettings): TcpOptions {
  const answer = connection.state === 'SYN-RECEIVED';
  const scaling = answer ? connection.windowScaling : settings.windowScaling;
  const timestamps = answer ? connection.timestamps : settings.timestamps;
  const sack = answer ? connection.sack : settings.sack;
  const offered: TcpOptions = {
    mss: connection.announcedMss,
    windowScale: scaling ? windowShift(connection.receiver.maxBuffer) : undefined,
    sackPermitted: sack,
    sack: undefined,
    timestamps: timestamps ? connection.timestampOption() : undefined,
    fastOpen: undefined,
    others: answer ? connection.ecn.options(0, 0) : undefined,
  };
  const cookie = answer && connection.retransmissions === 0 ? connection.fastOpened?.reply : undefined; // not again [RFC 7413 4.2.2]
  return (cookie && withFastOpen(offered, cookie, settings.optionLayout)) ?? offered;
}

/** Takes what the peer's SYN or SYN-ACK offers, and with it what is in use from now on. */
export function negotiate(connection: TcpConnection, offered: TcpOptions, settings: TcpSettings): void {
  const { sender, receiver } = connection;
  connection.windowScaling = settings.windowScaling && offered.windowScale !== undefined;
  if (connection.windowScaling) {
    sender.windShift = Math.min(offered.windowScale ?? 0, MAX_SHIFT);
    receiver.windShift = windowShift(receiver.maxBuffer);
  } else {
    // Without scaling more than 65,535 bytes cannot be offered, so there is no use in holding more.
    receiver.maxBuffer = Math.min(receiver.maxBuffer, 0xffff);
    receiver.buffer = Math.min(receiver.buffer, 0xffff);
  }
  connection.timestamps = settings.timestamps && offered.timestamps !== undefined;
  if (connection.timestamps && offered.timestamps !== undefined) {
    receiver.tsRecent = offered.timestamps.value;
    receiver.tsRecentAt = connection.context.now;
  }
  connection.sack = settings.sack && offered.sackPermitted;
  if (connection.sack) receiver.sack = new BlockWriter();
  connection.chooseRecovery();
  connection.peerMss = Math.max(offered.mss ?? connection.defaultMss, settings.minMss);
  updateMss(connection);
}

/** The options of every segment that is no SYN, never the MSS [RFC 9293 MUST-65]. */
export function segmentOptions(connection: TcpConnection): TcpOptions {
  return connection.timestamps ? withOptions(connection, undefined) : NO_OPTIONS;
}

/** Bytes that a SACK option with one block takes, padding included [RFC 2018 3]; each further block takes 8. */
const SACK_LENGTH = 12;
const BLOCK_LENGTH = 8;

/**
 * The options of an ACK with `length` bytes of text: with SACK blocks, or Accurate ECN's counters, as far as
 * they leave the segment within the MSS [RFC 9293 MUST-16].
 * Full segments carry none: duplicate ACKs leave without text, so the peer hears of every block.
 */
export function ackOptions(connection: TcpConnection, length: number): TcpOptions {
  const { sack } = connection.receiver;
  const { mss } = connection.sender;
  const counters = connection.ecn.options(length, mss);
  const room = mss - length - SACK_LENGTH;
  if (sack !== undefined && !sack.isEmpty && room >= 0) {
    const most = connection.timestamps ? 3 : 4; // what 40 bytes of options have room for
    const blocks = sack.take(Math.min(most, 1 + Math.floor(room / BLOCK_LENGTH)));
    return withOptions(connection, blocks, length === 0 ? counters : undefined);
  }
  return counters === undefined ? segmentOptions(connection) : withOptions(connection, undefined, counters);
}

function withOptions(
  connection: TcpConnection,
  sack: TcpOptions['sack'],
  others?: TcpOptions['others'],
): TcpOptions {
  return {
    mss: undefined,
    windowScale: undefined,
    sackPermitted: false,
    sack,
    timestamps: connection.timestamps ? connection.timestampOption() : undefined,
    fastOpen: undefined,
    others,
  };
}
