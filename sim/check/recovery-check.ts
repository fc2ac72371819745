import type { TcpConnection } from '../../stack/tcp/connection.ts';
import { type SeqNumber, add, distance, geq, gt, leq, lt } from '../../stack/tcp/sequence.ts';
import { isSynchronized } from '../../stack/tcp/states.ts';
import type { SegmentEvent } from '../../stack/trace.ts';
import type { Breach } from './breach.ts';
import type { SackBlock } from '../../stack/wire/tcp-options.ts';

/** Segments of a peer that are remembered, to tell what came twice. */
const REMEMBERED = 2048;
/** Records are looked at one by one only now and then: there may be thousands. */
const EACH = 16;

/** Loss recovery of one connection: its scoreboard, what it sends again, and what its SACK blocks say (invariants 12 to 15). */
export class RecoveryCheck {
  readonly #host: string;
  readonly #breach: Breach;
  /** What came, oldest first; undefined once more came than is remembered. */
  #arrived: { left: SeqNumber; right: SeqNumber }[] | undefined = [];
  #probeSent: boolean = false;
  #looks: number = 0;

  constructor(host: string, breach: Breach) {
    this.#host = host;
    this.#breach = breach;
  }

  /** A segment came. */
  arrived({ header, length }: SegmentEvent, connection: TcpConnection | undefined): void {
    const { ack, seq, syn, fin } = header;
    if (ack !== undefined && connection !== undefined && gt(ack, connection.sender.una))
      this.#probeSent = false;
    const right = add(seq, length + (syn ? 1 : 0) + (fin ? 1 : 0));
    if (right === seq) return;
    this.#arrived?.push({ left: seq, right });
    if ((this.#arrived?.length ?? 0) > REMEMBERED) this.#arrived = undefined;
  }

  /** A segment leaves. */
  departs({ header, length, cause }: SegmentEvent, connection: TcpConnection): void {
    if (header.syn || header.rst || !isSynchronized(connection.state)) return;
    if (cause === 'data') this.#probeSent = false;
    if (cause === 'loss-probe' || cause === 'loss-probe-retransmit') {
      if (this.#probeSent) this.#broken(14, 'a second loss probe left before an ACK or new data');
      this.#probeSent = true;
    }
    if (length > 0) this.#checkNotSacked(header.seq, length, connection);
    const { sack } = header.options;
    if (sack !== undefined && header.ack !== undefined) this.#checkBlocks(sack, header.ack, connection);
  }

  /** Everything that is due at this instant has happened. */
  check({ sender, state }: TcpConnection): void {
    if (!isSynchronized(state)) return;
    const { scoreboard, flightSize, inFlight, congestion, mss } = sender;
    const { sackedBytes, lostBytes, againBytes, forgivenBytes } = scoreboard;
    if (Math.min(sackedBytes, lostBytes, againBytes, forgivenBytes, inFlight) < 0)
      this.#broken(
        12,
        `negative: sacked ${sackedBytes}, lost ${lostBytes}, again ${againBytes}, pipe ${inFlight}`,
      );
    if (sackedBytes + lostBytes > flightSize)
      this.#broken(12, `${sackedBytes} sacked and ${lostBytes} lost of ${flightSize} that are out`);
    if (congestion.cwnd < Math.min(mss, 1)) this.#broken(12, `cwnd ${congestion.cwnd}, the MSS is ${mss}`);
    if (Number.isNaN(congestion.cwnd) || Number.isNaN(congestion.ssthresh))
      this.#broken(12, 'cwnd is no number');
    this.#looks += 1;
    if (this.#looks % EACH === 0 || scoreboard.length < 8) this.#walk(sender);
  }

  #walk({ scoreboard, una, nxt }: TcpConnection['sender']): void {
    let [at, sacked, lost, again]: [SeqNumber, number, number, number] = [una, 0, 0, 0];
    for (let record = scoreboard.first; record !== undefined; record = record.next) {
      if (record.start !== at)
        this.#broken(12, `a record begins at ${record.start}, the one before ended at ${at}`);
      if (geq(record.start, record.end))
        this.#broken(12, `a record of ${distance(record.start, record.end)} bytes`);
      if (record.isSacked && record.isLost) this.#broken(12, `a record both sacked and lost at ${at}`);
      if (record.isSacked) sacked += record.length;
      else if (record.isLost) lost += record.length;
      else if (record.retransmissions > 0) again += record.length;
      at = record.end;
    }
    if (at !== nxt) this.#broken(12, `records end at ${at}, SND.NXT is ${nxt}`);
    const { sackedBytes, lostBytes, againBytes } = scoreboard;
    if (sacked !== sackedBytes || lost !== lostBytes || again !== againBytes)
      this.#broken(
        12,
        `sacked ${sackedBytes}, lost ${lostBytes}, again ${againBytes}; records say ${sacked}, ${lost}, ${again}`,
      );
  }

  #checkNotSacked(seq: SeqNumber, length: number, { sender }: TcpConnection): void {
    if (geq(seq, sender.nxt)) return;
    const end = add(seq, length);
    for (let record = sender.scoreboard.find(seq); record !== undefined; record = record.next) {
      if (!lt(record.start, end)) return;
      if (record.isSacked)
        this.#broken(
          13,
          `bytes ${record.start} to ${record.end} are sacked, and leave again within ${seq} + ${length}`,
        );
    }
  }

  #checkBlocks(blocks: readonly SackBlock[], ack: SeqNumber, { receiver }: TcpConnection): void {
    const [first, second] = blocks;
    if (first === undefined) return;
    const inside = second !== undefined && geq(first.left, second.left) && leq(first.right, second.right);
    const duplicate = lt(first.left, ack) || inside;
    if (duplicate) this.#checkTwice(first);
    for (const block of duplicate ? blocks.slice(1) : blocks) {
      if (!lt(block.left, block.right) || leq(block.left, ack))
        this.#broken(15, `a block ${block.left} to ${block.right} with ACK ${ack}`);
      if (receiver.finReceived || receiver.discarding) continue;
      for (let at = block.left; lt(at, block.right); ) {
        const range = receiver.assembler.rangeAt(at);
        if (range === undefined) {
          // The FIN takes a number, but is no byte.
          if (receiver.finAt !== at || add(at, 1) !== block.right)
            this.#broken(15, `byte ${at} of a block ${block.left} to ${block.right} is not held`);
          break;
        }
        at = add(at, Math.max(1, distance(at, range.right)));
      }
    }
  }

  #checkTwice({ left, right }: SackBlock): void {
    if (this.#arrived === undefined) return;
    const over = this.#arrived.filter((each) => lt(each.left, right) && gt(each.right, left));
    for (let at = left; lt(at, right); ) {
      const covering = over.filter((each) => leq(each.left, at) && gt(each.right, at));
      if (covering.length < 2)
        return this.#broken(15, `D-SACK of ${left} to ${right}, but ${at} came ${covering.length} times`);
      at = add(at, Math.max(1, Math.min(...covering.map((each) => distance(at, each.right)))));
    }
  }

  #broken(number: 12 | 13 | 14 | 15, what: string): void {
    this.#breach(number, [this.#host], what);
  }
}
