import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatAddress,
  formatMac,
  IPv6Address,
  ipv4,
  isBroadcast,
  isGroupMac,
  isLoopback,
  isMulticast,
  isUnspecified,
  type MacAddress,
  mappedIPv4,
  parseAddress,
  parseCidr,
  parseIPv4,
  parseIPv6,
  parseMac,
  prefixMask,
  readIPv6,
  readMac,
  sameAddress,
  sameSubnet,
  writeIPv6,
  writeMac,
} from '../../../stack/wire/address.ts';

const word = fc.oneof(fc.integer({ min: 0, max: 0xffff_ffff }), fc.constantFrom(0, 1, 0xffff, 0x1_0000));
const v6 = fc.tuple(word, word, word, word).map(([a, b, c, d]) => new IPv6Address(a, b, c, d));
const v4 = fc
  .tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255))
  .map(([a, b, c, d]) => ipv4(a, b, c, d));

/** What the text means, or undefined, as text again. */
function reformat(text: string): string | undefined {
  const address = parseAddress(text);
  return address === undefined ? undefined : formatAddress(address);
}

describe('IPv4 addresses', () => {
  it('are read from four decimal octets and nothing else', () => {
    expect(parseIPv4('192.0.2.1')).toBe(0xc000_0201);
    expect(parseIPv4('255.255.255.255')).toBe(0xffff_ffff);
    const bad = [
      '',
      '1.2.3',
      '1.2.3.4.5',
      '01.2.3.4',
      '1.2.3.256',
      '0x1.2.3.4',
      ' 1.2.3.4',
      '1.2.3.4 ',
      '1..3.4',
    ];
    for (const text of [...bad, '+1.2.3.4', '1.2.3.-4', '1.2.3.1e1', '١.2.3.4']) {
      expect(parseAddress(text), text).toBeUndefined();
    }
  });

  it('come back from their text', () => {
    fc.assert(
      fc.property(v4, (address) => {
        expect(parseAddress(formatAddress(address))).toBe(address);
      }),
    );
  });

  it('know their special ranges [RFC 1122 3.2.1.3]', () => {
    expect(isMulticast(ipv4(224, 0, 0, 1))).toBe(true);
    expect(isMulticast(ipv4(240, 0, 0, 1))).toBe(false);
    expect(isLoopback(ipv4(127, 9, 9, 9))).toBe(true);
    expect(isUnspecified(ipv4(0, 0, 0, 0))).toBe(true);
    expect(isBroadcast(ipv4(255, 255, 255, 255))).toBe(true);
    expect(isBroadcast(ipv4(10, 0, 0, 255))).toBe(false);
  });

  it('have a mask for every prefix, /0 and /32 too', () => {
    expect([0, 1, 8, 24, 31, 32].map(prefixMask)).toEqual([
      0, 0x8000_0000, 0xff00_0000, 0xffff_ff00, 0xffff_fffe, 0xffff_ffff,
    ]);
    expect(sameSubnet(ipv4(1, 2, 3, 4), ipv4(200, 9, 9, 9), 0)).toBe(true);
    expect(sameSubnet(ipv4(10, 0, 0, 1), ipv4(10, 0, 1, 1), 24)).toBe(false);
    expect(sameSubnet(ipv4(10, 0, 0, 1), ipv4(10, 0, 1, 1), 23)).toBe(true);
    expect(sameSubnet(ipv4(10, 0, 0, 1), ipv4(10, 0, 0, 0), 32)).toBe(false);
  });
});

describe('IPv6 addresses', () => {
  it('are written as RFC 5952 recommends [RFC 5952 4]', () => {
    expect(reformat('2001:0db8:0000:0000:0001:0000:0000:0001')).toBe('2001:db8::1:0:0:1');
    expect(reformat('2001:db8:0:1:1:1:1:1')).toBe('2001:db8:0:1:1:1:1:1');
    expect(reformat('2001:DB8::A')).toBe('2001:db8::a');
    expect(reformat('1:0:0:2:0:0:0:3')).toBe('1:0:0:2::3');
    expect(reformat('0:0:0:0:0:0:0:0')).toBe('::');
    expect(reformat('::1')).toBe('::1');
    expect(reformat('fe80::')).toBe('fe80::');
    expect(reformat('::ffff:192.0.2.128')).toBe('::ffff:192.0.2.128');
    expect(reformat('::ffff:c000:280')).toBe('::ffff:192.0.2.128');
    expect(reformat('64:ff9b::192.0.2.33')).toBe('64:ff9b::c000:221');
    expect(reformat('1:2:3:4:5:6:7::')).toBe('1:2:3:4:5:6:7:0');
  });

  it('are refused when malformed [RFC 4291 2.2]', () => {
    const bad = [
      ':',
      ':::',
      '1',
      '1:2:3:4:5:6:7',
      '1:2:3:4:5:6:7:8:9',
      '1:2:3:4:5:6:7:8::',
      '1::2::3',
      ':1::',
      '1::2:',
    ];
    const worse = [
      '12345::',
      'g::',
      '::1.2.3',
      '1.2.3.4::',
      '::1.2.3.4:5',
      '1.2.3.4::1',
      'fe80::1%eth0',
      '[::1]',
      ' ::1',
    ];
    for (const text of [...bad, ...worse, '1:2:3:4:5:6:7:1.2.3.4', '::1:2:3:4:5:6:7:8', '::-1']) {
      expect(parseAddress(text), text).toBeUndefined();
    }
  });

  it('come back from their text, and their shortest text is stable', () => {
    fc.assert(
      fc.property(v6, (address) => {
        const back = parseIPv6(formatAddress(address));
        expect(back?.equals(address)).toBe(true);
      }),
    );
  });

  it('come back from 16 bytes', () => {
    const view = new DataView(new ArrayBuffer(20));
    fc.assert(
      fc.property(v6, fc.nat(4), (address, at) => {
        writeIPv6(view, at, address);
        expect(readIPv6(view, at).equals(address)).toBe(true);
      }),
    );
  });

  it('are compared by value, and never equal an IPv4 address', () => {
    const mapped = new IPv6Address(0, 0, 0xffff, 0x0a00_0001);
    expect(sameAddress(mapped, new IPv6Address(0, 0, 0xffff, 0x0a00_0001))).toBe(true);
    expect(sameAddress(mapped, ipv4(10, 0, 0, 1))).toBe(false);
    expect(mappedIPv4(mapped)).toBe(ipv4(10, 0, 0, 1));
    expect(`${mapped}`).toBe('::ffff:10.0.0.1');
    expect(sameSubnet(mapped, ipv4(10, 0, 0, 1), 0)).toBe(false);
  });

  it('agree with a bit by bit comparison of their prefixes', () => {
    const bits = (x: IPv6Address): string =>
      [x.a, x.b, x.c, x.d].map((w) => w.toString(2).padStart(32, '0')).join('');
    fc.assert(
      fc.property(v6, fc.nat(127), fc.nat(128), (x, flipped, length) => {
        const words = [x.a, x.b, x.c, x.d];
        words[flipped >>> 5] = (words[flipped >>> 5] ?? 0) ^ (1 << (31 - (flipped & 31)));
        const [a = 0, b = 0, c = 0, d = 0] = words;
        const y = new IPv6Address(a, b, c, d);
        expect(sameSubnet(x, y, length)).toBe(bits(x).slice(0, length) === bits(y).slice(0, length));
      }),
    );
  });
});

describe('prefixes', () => {
  it('are read with their host bits, /0 included', () => {
    expect(parseCidr('10.1.2.3/8')).toEqual({ address: ipv4(10, 1, 2, 3), prefixLength: 8 });
    expect(parseCidr('0.0.0.0/0')).toEqual({ address: 0, prefixLength: 0 });
    expect(parseCidr('::/0')).toEqual({ address: new IPv6Address(0, 0, 0, 0), prefixLength: 0 });
    expect(parseCidr('fd00::1/64')?.prefixLength).toBe(64);
    for (const text of [
      '10.0.0.1',
      '10.0.0.1/',
      '10.0.0.1/33',
      '::/129',
      '10.0.0.1/08',
      '10.0.0.1/-1',
      '/8',
      '1.2.3.4/8/8',
    ]) {
      expect(parseCidr(text), text).toBeUndefined();
    }
  });
});

describe('Ethernet addresses', () => {
  it('are read from pairs of digits with one kind of separator', () => {
    expect(parseMac('02:00:5e:10:00:ff')).toBe(0x0200_5e10_00ff);
    expect(parseMac('02-00-5E-10-00-FF')).toBe(0x0200_5e10_00ff);
    for (const text of [
      '',
      '02:00:5e:10:00',
      '02:00:5e:10:00:ff:00',
      '2:0:5e:10:0:ff',
      '02:00-5e:10:00:ff',
      '02005e1000ff',
    ]) {
      expect(parseMac(text), text).toBeUndefined();
    }
  });

  it('come back from their text and their bytes', () => {
    const view = new DataView(new ArrayBuffer(9));
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 48 - 1 }), fc.nat(3), (n, at) => {
        const mac = n as MacAddress;
        expect(parseMac(formatMac(mac))).toBe(mac);
        writeMac(view, at, mac);
        expect(readMac(view, at)).toBe(mac);
        expect(isGroupMac(mac)).toBe((view.getUint8(at) & 1) === 1);
      }),
    );
  });
});
