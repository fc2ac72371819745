import type { TcpConnection } from '../../stack/tcp/connection.ts';
import { type SeqNumber, add, distance, gt, lt } from '../../stack/tcp/sequence.ts';
import { isSynchronized } from '../../stack/tcp/states.ts';
import type { Breach } from './breach.ts';

/** What an out-of-order range costs beside its bytes (attacks.md A13). */
const RANGE_OVERHEAD = 256;

/** What may be looked up in a connection when an instant is over: invariants 1, 2, 3 (the bytes), 6 and part of 9. */
export class LiveCheck {
  readonly #host: string;
  readonly #breach: Breach;
  #rcvNxt: SeqNumber | undefined;
  /** Bytes that `send` took so far. */
  sent: number = 0;

  constructor(host: string, breach: Breach) {
    this.#host = host;
    this.#breach = breach;
  }

  /** Everything that is due at this instant has happened. */
  check(connection: TcpConnection): void {
    if (!isSynchronized(connection.state)) return;
    this.#checkSender(connection);
    this.#checkReceiver(connection);
    this.#checkTimers(connection);
  }

  #checkSender({ sender }: TcpConnection): void {
    const { una, nxt, maxWnd, iss, queue, finAcknowledged } = sender;
    if (gt(una, nxt)) this.#broken(1, `snd.una ${una} is after snd.nxt ${nxt}`);
    // The octet of a window probe may have been taken beyond the edge.
    if (distance(una, nxt) > maxWnd + 1)
      this.#broken(1, `${distance(una, nxt)} bytes are out, and the largest window ever was ${maxWnd}`);
    const acknowledged = distance(add(iss, 1), una) - (finAcknowledged ? 1 : 0);
    const difference = (this.sent - acknowledged - queue.length) | 0;
    if (difference !== 0)
      this.#broken(
        3,
        `${this.sent} bytes were sent, but ${acknowledged} are acknowledged and ${queue.length} in the queue`,
      );
  }

  #checkReceiver({ receiver, context }: TcpConnection): void {
    if (this.#rcvNxt !== undefined && lt(receiver.nxt, this.#rcvNxt))
      this.#broken(2, `rcv.nxt went back from ${this.#rcvNxt} to ${receiver.nxt}`);
    this.#rcvNxt = receiver.nxt;
    const unit = 1 << receiver.windShift;
    const most = Math.max(receiver.maxBuffer, context.settings.tcp.receiveBuffer.from) + unit;
    if (receiver.queue.length > most)
      this.#broken(9, `${receiver.queue.length} bytes wait for the program, ${most} may`);
    const { assembler, buffer } = receiver;
    const cost = assembler.length + assembler.ranges * RANGE_OVERHEAD;
    const limit = 2 * Math.max(buffer, 65_536) + RANGE_OVERHEAD;
    if (cost > limit) this.#broken(9, `out-of-order data costs ${cost} bytes, ${limit} are allowed`);
  }

  #checkTimers(connection: TcpConnection): void {
    const { sender, timers, state, route, ecn } = connection;
    if (state === 'TIME-WAIT' || !route.interface.ready) return;
    const out = sender.flightSize;
    const retransmission = timers.isSet('retransmission');
    if (out > 0 && !retransmission) this.#broken(6, `${out} bytes are out, and no retransmission timer runs`);
    if (out === 0 && retransmission && !ecn.waiting)
      this.#broken(6, 'the retransmission timer runs, and nothing is out');
    const persist = timers.isSet('persist');
    const probing = persist || timers.isSet('override') || ecn.waiting; // RFC 3168 6.1.2: the window is one segment
    if (out === 0 && sender.unsent > 0 && !probing)
      this.#broken(
        6,
        `${sender.unsent} bytes wait, nothing is out, and neither persist nor override timer runs`,
      );
    if (persist && (out > 0 || sender.unsent <= 0))
      this.#broken(6, 'the persist timer runs, and nothing waits for a window');
  }

  #broken(number: 1 | 2 | 3 | 6 | 9, what: string): void {
    this.#breach(number, [this.#host], what);
  }
}
