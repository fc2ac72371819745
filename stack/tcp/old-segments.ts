/** Segments that lie below RCV.NXT and still tell something: RFC 9293 3.10.7.4, first check; RFC 7323 4.3. */

import type { TcpConnection } from './connection.ts';
import type { ArrivedSegment } from './segment.ts';
import { type SeqNumber, add, gt, leq, lt } from './sequence.ts';

/**
 * Both windows were closed, each side took the octet of the other's probe, and both ACKs were lost. Since a probe does not move SND.NXT,
 * either side's ACKs now lie one below the other's RCV.NXT, outside of the window, and would be passed over for ever. The probe that comes
 * again is old, too, but of this one the ACK is taken, as MUST-66 has it for a closed window.
 */
export function crossedProbe(
  { sender, receiver }: TcpConnection,
  segment: ArrivedSegment,
  ack: SeqNumber,
): boolean {
  const again = segment.sequenceLength === 1 && segment.end === receiver.nxt;
  return again && sender.probed && gt(ack, sender.una) && leq(ack, sender.highestSent);
}

/**
 * Data came again that was all here: most often our ACK of it was lost. The order of RFC 7323 5.3 rejects it before R3; then our next ACK
 * echoes the first transmission, the peer takes the time from there, its own timeout included, for the round-trip time, and where ACKs
 * are lost again and again its RTO grows without bound. By the letter of 4.3 (2) its timestamp is taken; so is it here.
 */
export function isOldData({ receiver, sender }: TcpConnection, segment: ArrivedSegment): boolean {
  const { ack } = segment.header;
  if (segment.sequenceLength === 0 || segment.syn || gt(segment.end, receiver.nxt) || ack === undefined)
    return false;
  return !gt(ack, sender.highestSent) && !lt(ack, add(sender.una, -sender.maxWnd)); // as in `checkAck`
}
