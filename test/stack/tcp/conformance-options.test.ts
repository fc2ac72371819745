/** What RFC 9293 asks of options and no other test shows. */
import { describe, expect, it } from 'vitest';
import { NO_OPTIONS, parse } from '../../../stack/wire/tcp-options.ts';
import { Bench } from './harness.ts';

const read = (...bytes: number[]): ReturnType<typeof parse> =>
  parse(new DataView(Uint8Array.from(bytes).buffer), 0, bytes.length);

const KINDS = Array.from({ length: 254 }, (_, index) => index + 2);

describe('every kind of option but EOL and NOP', () => {
  it('has a length, by which it is passed over [RFC 9293 MUST-68]', () => {
    for (const kind of KINDS) {
      const mss = read(kind, 7, 1, 2, 3, 4, 5, 2, 4, 5, 0xb4, 0);
      expect(mss, `kind ${kind}`).toMatchObject({ mss: 1_460 });
      expect(read(1, 1, 1, kind), `kind ${kind}`).toBe('PKT_TOO_SMALL');
    }
    expect([read(0, 0, 0, 0), read(1, 1, 1, 1)]).toEqual([NO_OPTIONS, NO_OPTIONS]);
  });
});

describe('the MSS option', () => {
  it.each([
    [1500, 1460],
    [576, 536],
  ])(
    'is on every SYN and SYN-ACK, and that of the peer is understood; MTU %d [RFC 9293 MUST-14, SHLD-5, MAY-3]',
    (mtu, mss) => {
      new Bench({ mtu }).connect().sends(`<SEQ=0><CTL=SYN><MSS=${mss}>`);
      const bench = new Bench({ mtu }).listen().arrives('<SEQ=0><CTL=SYN><MSS=100>');
      bench.sends(`<SEQ=0><ACK=1><CTL=SYN,ACK><MSS=${mss}>`).arrives('<SEQ=1><ACK=1><CTL=ACK>');
      expect(bench.write(100).sent()[0]?.payload.length).toBe(100);
      expect(bench.info('mss')).toBe(100);
    },
  );
});
