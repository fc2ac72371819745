import { update } from '../../stack/bytes/checksum.ts';
import type { Middlebox } from './middlebox.ts';
import { TransportEdit } from './tcp-edit.ts';

const ECE_CWR = 0xc0;
const AE = 0x01;
const SYN = 0x02;

/** A middlebox that overwrites the ECN codepoint of all packets, by Not-ECT ("bleaching") unless it is told another (0..3) [RFC 3168 5]. */
export function overwriteEcn(codepoint: number = 0): Middlebox {
  return {
    name: `sets the ECN codepoint to ${codepoint}`,
    process: ({ packet, medium, rewrote }) => {
      const ip = TransportEdit.of(packet, medium)?.layout.ip;
      if (ip === undefined) return 'pass';
      const { view } = packet;
      const word = view.getUint16(ip);
      const shift = word >>> 12 === 4 ? 0 : 4;
      const changed = (word & ~(3 << shift)) | (codepoint << shift);
      if (changed === word) return 'pass';
      view.setUint16(ip, changed);
      if (shift === 0) view.setUint16(ip + 10, update(view.getUint16(ip + 10), word, changed));
      rewrote(`ECN codepoint ${(word >>> shift) & 3} to ${codepoint}`);
      return 'pass';
    },
  };
}

/** A middlebox that clears AE, CWR and ECE, of SYNs and SYN-ACKs only or of all segments (as at first) [RFC 3168 6.1.1.2]. */
export function clearEcnFlags(on: 'syn' | 'all' = 'all'): Middlebox {
  return {
    name: 'clears the flags of ECN',
    process: ({ packet, medium, rewrote }) => {
      const edit = TransportEdit.of(packet, medium);
      if (edit === undefined || !edit.isTcp || (on === 'syn' && (edit.flags & SYN) === 0)) return 'pass';
      const { transport } = edit.layout;
      const word = edit.get16(transport + 12);
      const cleared = word & ~((AE << 8) | ECE_CWR);
      if (cleared === word) return 'pass';
      edit.set16(transport + 12, cleared);
      rewrote('flags of ECN cleared');
      return 'pass';
    },
  };
}
