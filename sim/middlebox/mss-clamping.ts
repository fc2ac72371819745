import type { Middlebox } from './middlebox.ts';
import { TransportEdit } from './tcp-edit.ts';

const MSS = 2;

/** A middlebox that lowers the MSS option of SYNs to `mss` bytes, as routers in front of tunnels do. */
export function clampMss(mss: number): Middlebox {
  return {
    name: `clamps the MSS to ${mss}`,
    process: ({ packet, medium, rewrote }) => {
      const edit = TransportEdit.of(packet, medium);
      if (edit === undefined || (edit.flags & 2) === 0) return 'pass';
      for (const [kind, at, length] of edit.options()) {
        if (kind !== MSS || length !== 4) continue;
        const before = edit.get16(at + 2);
        if (before <= mss) continue;
        edit.set8(at + 2, mss >>> 8);
        edit.set8(at + 3, mss & 0xff);
        rewrote(`MSS ${before} → ${mss}`);
      }
      return 'pass';
    },
  };
}
