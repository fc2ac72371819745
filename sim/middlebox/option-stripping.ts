import type { Middlebox } from './middlebox.ts';
import { TransportEdit } from './tcp-edit.ts';

const NOP = 1;

/**
 * A middlebox that overwrites TCP options of these kinds by NOPs: 2 MSS, 3 window scale, 4 SACK permitted, 5 SACK, 8 timestamps …
 * `on`: from SYNs only, or from all segments (as at first).
 */
export function stripOptions(kinds: readonly number[], on: 'syn' | 'all' = 'all'): Middlebox {
  const stripped = new Set(kinds);
  return {
    name: `strips options ${kinds.join(' ')}`,
    process: ({ packet, medium, rewrote }) => {
      const edit = TransportEdit.of(packet, medium);
      if (edit === undefined || !edit.isTcp || (on === 'syn' && (edit.flags & 2) === 0)) return 'pass';
      const gone = edit.options().filter(([kind]) => stripped.has(kind));
      for (const [, at, length] of gone) for (let byte = at; byte < at + length; byte++) edit.set8(byte, NOP);
      if (gone.length > 0) rewrote(`options ${gone.map(([kind]) => kind).join(' ')} stripped`);
      return 'pass';
    },
  };
}
