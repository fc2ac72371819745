import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type IPv4Address, ipv4 } from '../../../stack/wire/address.ts';
import * as dhcp from '../../../stack/wire/dhcp.ts';
import * as option from '../../../stack/wire/dhcp-options.ts';
import { OPTION } from '../../../stack/wire/dhcp-options.ts';
import type { MacAddress } from '../../../stack/wire/mac.ts';
import { fromHex } from './samples.ts';

const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const address = u32.map((n) => n as IPv4Address);

const message: fc.Arbitrary<dhcp.DhcpMessage> = fc.record({
  op: fc.constantFrom('request', 'reply'),
  xid: u32,
  secs: fc.integer({ min: 0, max: 0xffff }),
  broadcast: fc.boolean(),
  ciaddr: address,
  yiaddr: address,
  siaddr: address,
  giaddr: address,
  chaddr: fc.integer({ min: 0, max: 2 ** 48 - 1 }).map((n) => n as MacAddress),
  options: fc
    .array(fc.tuple(fc.integer({ min: 1, max: 254 }), fc.uint8Array({ maxLength: 600 })), { maxLength: 8 })
    .map((list) => new Map(list.filter(([code]) => code !== 52))),
});

function withOptions(
  hex: string,
  fields: { readonly sname?: string; readonly file?: string } = {},
): Uint8Array {
  const fixed = new Uint8Array(240);
  fixed.set([2, 1, 6, 0]);
  fixed.set(fromHex(fields.sname ?? ''), 44);
  fixed.set(fromHex(fields.file ?? ''), 108);
  fixed.set([0x63, 0x82, 0x53, 0x63], 236);
  return Uint8Array.of(...fixed, ...fromHex(hex));
}

function optionsOf(bytes: Uint8Array): ReadonlyMap<number, Uint8Array> {
  const parsed = dhcp.parse(bytes);
  if (typeof parsed === 'string') throw new Error(parsed);
  return parsed.options;
}

describe('DHCP messages', () => {
  it('come back from their bytes as they were, options of any length too [RFC 2131 2, RFC 3396]', () => {
    fc.assert(
      fc.property(message, (given) => {
        const bytes = dhcp.emit(given);
        expect(bytes.length).toBeGreaterThanOrEqual(300);
        expect(dhcp.parse(bytes)).toEqual(given);
      }),
    );
  });

  it('never throw, and never read beyond their end', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 700 }), (tail) => {
        const bytes = Uint8Array.of(...withOptions(''), ...tail);
        const parsed = dhcp.parse(bytes);
        if (typeof parsed === 'string') return;
        for (const [code] of parsed.options) {
          option.addresses(parsed.options, code);
          option.text(parsed.options, code);
          option.wholeNumber(parsed.options, code, 4);
        }
        option.classlessRoutes(parsed.options);
        option.domainSearch(parsed.options);
        option.domainName(parsed.options);
        option.messageType(parsed.options);
      }),
      { numRuns: 2_000 },
    );
  });

  it('may carry options in the fields for names [RFC 2131 4.1, RFC 2132 9.3]', () => {
    const options = optionsOf(withOptions('340103350105ff', { file: '0302aaaaff', sname: '0f0161ff' }));
    expect([...options.keys()]).toEqual([53, 3, 15]);
    expect(optionsOf(withOptions('350105ff', { file: '0302aaaaff' })).has(3)).toBe(false);
  });

  it('are refused if an option is cut off, or they are for other hardware', () => {
    expect(dhcp.parse(withOptions('3505'))).toBe('INVALID_PROTO');
    expect(dhcp.parse(withOptions('35'))).toBe('INVALID_PROTO');
    expect(dhcp.parse(withOptions('350105ff').with(1, 6))).toBe('INVALID_PROTO');
    expect(dhcp.parse(new Uint8Array(239))).toBe('PKT_TOO_SMALL');
  });
});

describe('DHCP options', () => {
  it('read as missing when they are malformed', () => {
    const options = new Map([
      [OPTION.routers, Uint8Array.of(1, 2, 3)],
      [OPTION.leaseTime, Uint8Array.of(1, 2)],
      [OPTION.messageType, Uint8Array.of(99)],
      [OPTION.domainName, option.textValue('a b\u0001')],
      [OPTION.classlessRoutes, Uint8Array.of(33, 1, 2, 3, 4, 5, 6, 7, 8, 9)],
      [OPTION.domainSearch, Uint8Array.of(0xc0, 0)],
    ]);
    expect(option.addresses(options, OPTION.routers)).toEqual([]);
    expect(option.wholeNumber(options, OPTION.leaseTime, 4)).toBeUndefined();
    expect(option.messageType(options)).toBeUndefined();
    expect(option.domainName(options)).toBeUndefined();
    expect(option.classlessRoutes(options)).toBeUndefined();
    expect(option.domainSearch(options)).toEqual([]);
  });

  it('hold routes with as many bytes as the prefix needs [RFC 3442]', () => {
    const routes = [0, 1, 8, 9, 24, 32].map((prefixLength) => ({
      destination: (prefixLength === 0 ? 0 : 0x8000_0000) as IPv4Address,
      prefixLength,
      router: ipv4(10, 0, 0, 1),
    }));
    const value = option.classlessRoutesValue(routes);
    expect(value).toHaveLength(6 * 5 + 0 + 1 + 1 + 2 + 3 + 4);
    expect(option.classlessRoutes(new Map([[OPTION.classlessRoutes, value]]))).toEqual(routes);
  });

  it('name search domains with pointers, as in the example of RFC 3397 2', () => {
    // eng.apple.com. marketing.apple.com.
    const value = fromHex('03656e67056170706c6503636f6d00096d61726b6574696e67c004');
    const options = new Map([[OPTION.domainSearch, value]]);
    expect(option.domainSearch(options)).toEqual(['eng.apple.com', 'marketing.apple.com']);
  });
});
