import type { Middlebox } from '../../../sim/middlebox/middlebox.ts';
import { TransportEdit } from '../../../sim/middlebox/tcp-edit.ts';

const SYN_FIN_RST = 0x07;
/** µs; ACKs further apart are all let through. */
const CLOSE = 20_000;

/** A middlebox that lets only one of `n` bare ACKs pass that follow each other within 20 ms, as some access networks do; all once `path.calm`. */
export function thinAcks(n: number, path: { calm: boolean }): Middlebox {
  let count = 0;
  let last = Number.NEGATIVE_INFINITY;
  return {
    name: `lets one of ${n} ACKs pass`,
    process: ({ packet, medium, now }) => {
      const edit = TransportEdit.of(packet, medium);
      if (edit === undefined || !edit.isTcp || (edit.flags & SYN_FIN_RST) !== 0) return 'pass';
      if (edit.layout.end > edit.layout.payload) return 'pass';
      count += 1;
      const isClose = now - last < CLOSE && !path.calm;
      last = now;
      // Which one is a matter of chance, lest a pattern lose the same ACK each time.
      return isClose && (Math.imul(count, 0x9e3779b1) >>> 16) % n !== 0 ? 'LINK_RULE' : 'pass';
    },
  };
}
