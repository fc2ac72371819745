/** The invariants, as determinism.md section 6 numbers them. */
export const INVARIANTS = {
  1: 'snd.una ≤ snd.nxt ≤ snd.una + largest window seen',
  2: 'rcv.nxt never goes back, and no ACK covers what was not received',
  3: 'what was delivered is a prefix of what was sent; bytes are conserved',
  4: 'no segment beyond the right edge that was advertised',
  5: 'no data after FIN; states change along the table only',
  6: 'the retransmission or persist timer runs exactly if there is something to wait for',
  7: 'in flight ≤ cwnd + one MSS when new data leaves',
  8: 'what is emitted has right checksums and lengths, parses back, and fits the MTU',
  9: 'the bounds on resources hold',
  10: 'at the end nothing is left',
  11: 'once the faults stop, the transfer completes in time',
  12: 'what is out is in flight, sacked or lost, each byte once; cwnd is a number above 0',
  13: 'what SACK reported is not sent again, unless the peer has thrown it away',
  14: 'a tail is probed once',
  15: 'SACK blocks tell what is held, D-SACK what came twice',
} as const;

/** The number of an invariant. */
export type InvariantNumber = keyof typeof INVARIANTS;

/** Tells of a broken invariant. `what` says which values broke it. */
export type Breach = (invariant: InvariantNumber, hosts: readonly string[], what: string) => void;
