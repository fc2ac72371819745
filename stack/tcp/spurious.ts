import { type SeqNumber, geq, leq } from './sequence.ts';
import type { Transmission } from './transmission.ts';

/** A window of data brings so many undos at most: each of them goes through all that is out, and a peer can ask for them (attacks.md A12). */
const MOST_UNDOS = 4;

/**
 * Whether a recovery was for nothing: nothing was lost, only late. Two witnesses: the timestamp of the ACK that moves SND.UNA is older than
 * the first retransmission (Eifel detection, RFC 3522 3.2), or a D-SACK block came for each retransmission [RFC 2883 4; RFC 3708].
 */
export class SpuriousRecovery {
  /** SND.UNA when the recovery began; undefined: there is nothing to be undone. */
  #from: SeqNumber | undefined;
  /** The timestamp clock when the first retransmission left; undefined: none has. */
  #firstStamp: number | undefined;
  /** Segments that were sent again, less those that D-SACK blocks told to have come twice. */
  #unexplained: number = 0;
  /** Undos since SND.UNA last passed `#windowEnd`, which was SND.NXT at the first of them. */
  #undos: number = 0;
  #windowEnd: SeqNumber | undefined;

  /** A recovery begins. */
  begin(una: SeqNumber): void {
    this.#from = una;
    this.#firstStamp = undefined;
    this.#unexplained = 0;
  }

  /** There is nothing to be undone any more. */
  end(): void {
    this.#from = undefined;
  }

  /** What was done is taken back; `nxt`: SND.NXT. */
  undone(nxt: SeqNumber): void {
    this.#windowEnd ??= nxt;
    this.#undos += 1;
    this.end();
  }

  /** So much was undone in this window of data that the rest stays as it is; `una`: SND.UNA. */
  isExhausted(una: SeqNumber): boolean {
    if (this.#windowEnd !== undefined && geq(una, this.#windowEnd)) {
      this.#windowEnd = undefined;
      this.#undos = 0;
    }
    return this.#undos >= MOST_UNDOS;
  }

  /** Something leaves again; `stamp`: the timestamp clock [RFC 7323 5.4]. */
  sentAgain(record: Transmission, stamp: number): void {
    if (this.#from === undefined) return;
    this.#firstStamp ??= stamp;
    this.#unexplained += record.segments;
  }

  /** A D-SACK block: `[left, right)` came twice. */
  duplicate(left: SeqNumber, right: SeqNumber, segments: number): void {
    if (this.#from === undefined || this.#firstStamp === undefined) return;
    if (geq(left, this.#from) && leq(left, right)) this.#unexplained -= segments;
  }

  /** D-SACK blocks explain all retransmissions [RFC 3708]. */
  get allExplained(): boolean {
    return this.#from !== undefined && this.#firstStamp !== undefined && this.#unexplained <= 0;
  }

  /** The ACK that moves SND.UNA echoes `echo`, older than the first retransmission [RFC 3522 3.2, step 5]; undefined: no timestamps. */
  isOlder(echo: number | undefined): boolean {
    if (this.#from === undefined || this.#firstStamp === undefined || echo === undefined) return false;
    return ((echo - this.#firstStamp) | 0) < 0;
  }
}
