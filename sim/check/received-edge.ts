import { type SeqNumber, add, geq, leq, max } from '../../stack/tcp/sequence.ts';

/** Up to where a peer's bytes have come without a gap, by what the wire brought: the check's own account, beside the stack's. */
export class ReceivedEdge {
  /** undefined: no SYN yet. */
  edge: SeqNumber | undefined;
  #beyond: { readonly left: SeqNumber; readonly right: SeqNumber }[] = [];

  /**
   * A segment came that takes `length` of the sequence space from `seq` on. A SYN begins the account, or `begins`: the ACK of a SYN cookie,
   * before which there was no connection.
   */
  arrived(seq: SeqNumber, length: number, begins: boolean): void {
    const right = add(seq, length);
    if (this.edge === undefined) {
      if (begins) this.edge = right;
      return;
    }
    if (length === 0 || leq(right, this.edge)) return;
    if (!leq(seq, this.edge)) {
      this.#beyond.push({ left: seq, right });
      return;
    }
    this.edge = right;
    if (this.#beyond.length > 0) this.#fill();
  }

  #fill(): void {
    for (let moved = true; moved; ) {
      moved = false;
      this.#beyond = this.#beyond.filter(({ left, right }) => {
        const edge = this.edge;
        if (edge === undefined || !leq(left, edge)) return true;
        if (!geq(edge, right)) moved = true;
        this.edge = max(edge, right);
        return false;
      });
    }
  }
}
