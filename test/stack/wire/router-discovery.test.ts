import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IPv6Address } from '../../../stack/wire/address.ts';
import type { MacAddress } from '../../../stack/wire/mac.ts';
import {
  emitAdvertisement,
  emitSolicitation,
  parseAdvertisement,
  type RouterAdvertisement,
} from '../../../stack/wire/router-discovery.ts';
import { toHex } from './samples.ts';

const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const address = fc.tuple(u32, u32, u32, u32).map(([a, b, c, d]) => new IPv6Address(a, b, c, d));
const mac = fc.integer({ min: 0, max: 2 ** 48 - 1 }).map((n) => n as MacAddress);
const flag = fc.boolean();

const advertisement: fc.Arbitrary<RouterAdvertisement> = fc.record({
  hopLimit: fc.integer({ min: 0, max: 255 }),
  managed: flag,
  otherConfiguration: flag,
  preference: fc.constantFrom('low', 'medium', 'high'),
  routerLifetime: fc.integer({ min: 0, max: 0xffff }),
  reachableTime: u32,
  retransTimer: u32,
  sourceMac: fc.option(mac, { nil: undefined }),
  mtu: fc.option(u32, { nil: undefined }),
  prefixes: fc.array(
    fc.record({
      prefix: address,
      prefixLength: fc.integer({ min: 0, max: 128 }),
      onLink: flag,
      autonomous: flag,
      validLifetime: u32,
      preferredLifetime: u32,
    }),
    { maxLength: 4 },
  ),
  dnsServers: fc.array(
    fc.record({ lifetime: u32, servers: fc.array(address, { minLength: 1, maxLength: 4 }) }),
    { maxLength: 2 },
  ),
  dnsSearch: fc.array(
    fc.record({ lifetime: u32, domains: fc.constantFrom(['lan'], ['a.example', 'b.example']) }),
    { maxLength: 2 },
  ),
});

describe('router advertisements', () => {
  it('come back from their bytes as they were [RFC 4861 4.2, RFC 4191, RFC 8106]', () => {
    fc.assert(
      fc.property(advertisement, (given) => {
        const bytes = emitAdvertisement(given);
        expect(bytes.length % 8).toBe(0);
        expect(parseAdvertisement(bytes)).toEqual(given);
      }),
    );
  });

  it('never throw, whatever their options are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (tail) => {
        const header = emitAdvertisement({ ...BARE });
        const parsed = parseAdvertisement(Uint8Array.of(...header, ...tail));
        if (typeof parsed === 'string') expect(parsed).toBe('INVALID_PROTO');
      }),
      { numRuns: 3_000 },
    );
  });

  it('are invalid with an option of no length, or one that is cut off [RFC 4861 6.1.2]', () => {
    const header = emitAdvertisement(BARE);
    for (const tail of [[1, 0, 0, 0, 0, 0, 0, 0], [1, 2, 0, 0, 0, 0, 0, 0], [1]]) {
      expect(parseAdvertisement(Uint8Array.of(...header, ...tail))).toBe('INVALID_PROTO');
    }
    expect(parseAdvertisement(header.subarray(0, 15))).toBe('PKT_TOO_SMALL');
    expect(parseAdvertisement(header.with(1, 1))).toBe('INVALID_PROTO');
  });

  it('skip options that they do not know', () => {
    const header = emitAdvertisement(BARE);
    expect(parseAdvertisement(Uint8Array.of(...header, 200, 1, 0, 0, 0, 0, 0, 0))).toEqual(BARE);
  });
});

describe('router solicitations', () => {
  it('tell the Ethernet address, unless they come from nobody [RFC 4861 4.1]', () => {
    const source = new IPv6Address(0xfe80_0000, 0, 0, 1);
    expect(toHex(emitSolicitation(source, 0x0200_0000_0001 as MacAddress))).toBe(
      '85000000000000000101020000000001',
    );
    expect(toHex(emitSolicitation(new IPv6Address(0, 0, 0, 0), 1 as MacAddress))).toBe('8500000000000000');
  });
});

const BARE: RouterAdvertisement = {
  hopLimit: 64,
  managed: false,
  otherConfiguration: false,
  preference: 'medium',
  routerLifetime: 1_800,
  reachableTime: 0,
  retransTimer: 0,
  sourceMac: undefined,
  mtu: undefined,
  prefixes: [],
  dnsServers: [],
  dnsSearch: [],
};
