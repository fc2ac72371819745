import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isDomainName, readDomainNames, writeDomainNames } from '../../../stack/wire/domain-name.ts';

const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?$/);
const name = fc.array(label, { minLength: 1, maxLength: 6 }).map((labels) => labels.join('.'));

describe('domain names on the wire', () => {
  it('come back as they were', () => {
    fc.assert(
      fc.property(fc.array(name, { maxLength: 10 }), (names) => {
        expect(readDomainNames(writeDomainNames(names))).toEqual(names);
      }),
    );
  });

  it('end, whatever the pointers say: back only, and further back each time [attacks.md J3]', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        for (const each of readDomainNames(bytes) ?? []) expect(isDomainName(each)).toBe(true);
      }),
      { numRuns: 5_000 },
    );
    for (const bytes of [
      [0xc0, 0],
      [1, 97, 0xc0, 0],
      [0xc0, 2, 0xc0, 0],
      [1, 97, 0xc0],
      [5, 97],
    ]) {
      expect(readDomainNames(Uint8Array.from(bytes))).toBeUndefined();
    }
  });

  it('are left out if they are no host names', () => {
    expect(readDomainNames(Uint8Array.of(3, 97, 32, 98, 0, 1, 97, 0))).toEqual(['a']);
    for (const text of ['', '.', 'a..b', '-a', 'a-', 'a b', `${'a'.repeat(64)}`, 'a.'.repeat(128)]) {
      expect(isDomainName(text)).toBe(false);
    }
    for (const text of ['a', 'a.', '_dns._udp.example', 'A-1.example', '127'])
      expect(isDomainName(text)).toBe(true);
  });

  it('are no more than were asked for', () => {
    expect(readDomainNames(writeDomainNames(Array.from({ length: 40 }, (_, i) => `d${i}`)), 16)).toHaveLength(
      16,
    );
  });
});
