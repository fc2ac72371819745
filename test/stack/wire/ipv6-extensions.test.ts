import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PacketBuffer } from '../../../stack/bytes/packet-buffer.ts';
import { findUpper, walkHeaders } from '../../../stack/ip/extension-headers.ts';
import * as ipv6 from '../../../stack/wire/ipv6.ts';
import { emitFragment, readFragment, readOptions } from '../../../stack/wire/ipv6-extensions.ts';
import { fromHex, toHex } from './samples.ts';

const view = (bytes: readonly number[]): DataView => new DataView(Uint8Array.from(bytes).buffer);

describe('the fragment header', () => {
  it('lies as RFC 8200 4.5 draws it', () => {
    const packet = PacketBuffer.copyOf(fromHex('aabb'), 8);
    const header = { nextHeader: 17, fragmentOffset: 1_448, moreFragments: true, identification: 0xdeadbeef };
    emitFragment(header, packet);
    expect(toHex(packet.contents())).toBe('110005a9deadbeefaabb');
    expect(readFragment(packet.view, packet.head)).toEqual(header);
  });

  it('reads back whatever was written [RFC 8200 4.5]', () => {
    const headers = fc.record({
      nextHeader: fc.nat({ max: 255 }),
      fragmentOffset: fc.nat({ max: 8_191 }).map((units) => units * 8),
      moreFragments: fc.boolean(),
      identification: fc.nat({ max: 0xffff_ffff }),
    });
    fc.assert(
      fc.property(headers, (header) => {
        const packet = PacketBuffer.allocate(8, 8);
        emitFragment(header, packet);
        expect(readFragment(packet.view, packet.head)).toEqual(header);
      }),
    );
  });
});

describe('options', () => {
  it.each([
    ['padding of one byte and of more', [0, 1, 3, 0, 0, 0, 0], 'ok'],
    ['a router alert [RFC 2711]', [5, 2, 0, 0], 'ok'],
    ['an option cut off behind its type', [1], 'malformed'],
    ['an option longer than what there is', [1, 3, 0, 0], 'malformed'],
    ['nothing', [], 'ok'],
  ])('%s: %s', (_, bytes, verdict) => {
    expect(readOptions(view(bytes), 0, bytes.length)).toBe(verdict);
  });

  it('are judged by the two highest bits of their type if they are not known [RFC 8200 4.2]', () => {
    for (let type = 0x40; type < 256; type++) {
      const action = ['', 'discard', 'report', 'report-unless-multicast'][type >>> 6];
      expect(readOptions(view([0, type, 0]), 0, 3)).toEqual({ at: 1, action });
    }
  });
});

describe('walking extension headers', () => {
  it('B11 the walk throws at nothing, reads nothing beyond the end, and finds an upper header within the packet', () => {
    const kinds = fc.constantFrom(0, 43, 44, 59, 60, 6, 58, 200);
    const tails = fc.array(fc.oneof(kinds, fc.nat({ max: 255 }), fc.constant(0)), { maxLength: 120 });
    fc.assert(
      fc.property(kinds, tails, (nextHeader, bytes) => {
        // Memory that ends with the packet, so that a read beyond it throws.
        const packet = PacketBuffer.copyOf(Uint8Array.from([...new Uint8Array(40), ...bytes]));
        packet.view.setUint32(0, 0x6000_0000);
        packet.view.setUint16(4, bytes.length);
        packet.view.setUint8(6, nextHeader);
        const header = ipv6.parse(packet);
        if (typeof header === 'string') throw new Error(header);
        const chain = walkHeaders(packet, header, 8);
        if ('reason' in chain) {
          if (chain.problem !== undefined) expect(chain.problem.at).toBeLessThan(packet.length);
        } else {
          expect(chain.at).toBeLessThanOrEqual(packet.tail);
          expect(packet.view.getUint8(chain.nextHeaderAt)).toBe(chain.protocol);
        }
        expect(() => findUpper(packet, 8)).not.toThrow();
      }),
      { numRuns: 5_000 },
    );
  });
});
