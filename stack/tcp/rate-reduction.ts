/**
 * Proportional Rate Reduction: in recovery what may be sent follows what is delivered, so that cwnd comes down to ssthresh over one round
 * trip, without a pause and without a burst [RFC 6937 3.1; the choice of the bound as in RFC 9937]. All sizes in bytes.
 */
export class RateReduction {
  /** RecoverFS: what was out when recovery began. */
  #recoverFlight: number = 0;
  #delivered: number = 0;
  #out: number = 0;

  begin(flightSize: number): void {
    this.#recoverFlight = Math.max(1, flightSize);
    this.#delivered = 0;
    this.#out = 0;
  }

  /** Something leaves while recovery lasts. */
  sent(bytes: number): void {
    this.#out += bytes;
  }

  /**
   * The congestion window after an ACK that delivered `delivered` bytes, with `pipe` in flight now. `safe`: it moved SND.UNA and no further
   * loss was found, so the slow start bound holds, else the conservation bound.
   */
  window(delivered: number, pipe: number, ssthresh: number, smss: number, safe: boolean): number {
    this.#delivered += delivered;
    let count: number;
    if (pipe > ssthresh) {
      count = Math.ceil((this.#delivered * ssthresh) / this.#recoverFlight) - this.#out;
    } else {
      // At least what this ACK delivered, or nothing would ever leave once pipe is 0 and all is repaid [RFC 9937].
      const owed = Math.max(this.#delivered - this.#out, delivered);
      count = Math.min(ssthresh - pipe, safe ? owed + smss : owed);
    }
    // The first retransmission leaves at once, whatever the bounds say [RFC 6937 3; RFC 9937].
    if (this.#out === 0) count = Math.max(count, smss);
    // With nothing in flight no ACK would come and let anything go: lost retransmissions have been paid for.
    return Math.max(pipe + Math.max(count, 0), smss);
  }
}
