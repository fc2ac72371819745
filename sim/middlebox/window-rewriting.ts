import type { Middlebox } from './middlebox.ts';
import { TransportEdit } from './tcp-edit.ts';

/** A middlebox that changes the window field of TCP segments that are no SYN: `change` gets and gives it as on the wire, 0..65535. */
export function rewriteWindow(change: (window: number) => number): Middlebox {
  return {
    name: 'rewrites windows',
    process: ({ packet, medium, rewrote }) => {
      const edit = TransportEdit.of(packet, medium);
      if (edit === undefined || !edit.isTcp || (edit.flags & 2) !== 0) return 'pass';
      const at = edit.layout.transport + 14;
      const before = edit.get16(at);
      const wanted = Math.min(0xffff, Math.max(0, Math.round(change(before))));
      if (wanted === before) return 'pass';
      edit.set16(at, wanted);
      rewrote(`window ${before} → ${wanted}`);
      return 'pass';
    },
  };
}
