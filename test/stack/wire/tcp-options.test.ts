import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seq } from '../../../stack/tcp/sequence.ts';
import * as tcpOptions from '../../../stack/wire/tcp-options.ts';
import { NO_OPTIONS, type OptionLayout, options, type TcpOptions } from '../../../stack/wire/tcp-options.ts';
import { packetOf, parsed, toHex } from './samples.ts';
import { anyOptions } from './tcp-options.arbitrary.ts';

function read(hex: string): TcpOptions | string {
  const packet = packetOf(hex);
  return tcpOptions.parse(packet.view, packet.head, packet.tail);
}

/** As hexadecimal digits; fails if the announced length is not the one written. */
function written(value: TcpOptions, layout: OptionLayout = 'standard'): string {
  const bytes = new Uint8Array(48).fill(0xa5);
  const end = tcpOptions.emit(value, new DataView(bytes.buffer), 3, layout);
  expect(end - 3).toBe(tcpOptions.emittedLength(value, layout));
  expect(toHex(bytes.subarray(end))).toMatch(/^(a5)*$/);
  return toHex(bytes.subarray(3, end));
}

const SYN = options({
  mss: 1460,
  windowScale: 7,
  sackPermitted: true,
  timestamps: { value: 0x01020304, echo: 0 },
});
const blocks = (count: number): { left: ReturnType<typeof seq>; right: ReturnType<typeof seq> }[] =>
  Array.from({ length: count }, (_, i) => ({ left: seq(i * 0x100), right: seq(i * 0x100 + 1) }));

describe('reading TCP options', () => {
  it('gives nothing for none, and stops at the end of the list [RFC 9293 3.2, MUST-4]', () => {
    expect(read('')).toBe(NO_OPTIONS);
    expect(read('00020405b4')).toEqual(NO_OPTIONS);
    expect(read('01010100')).toEqual(NO_OPTIONS);
  });

  it('takes options that are not aligned [RFC 9293 3.1, MUST-64]', () => {
    expect(read('010303070402020405b4080a0102030400000000')).toEqual(SYN);
  });

  it('takes the usual NOP NOP timestamps [RFC 7323 A]', () => {
    expect(read('0101080afffefdfc00000001')).toEqual(
      options({ timestamps: { value: 0xfffe_fdfc, echo: 1 } }),
    );
  });

  it('takes SACK blocks, one to four of them [RFC 2018 3]', () => {
    expect(read('0101050a0000000000000001')).toEqual(options({ sack: blocks(1) }));
    expect(parsed(read(written(options({ sack: blocks(4) })))).sack).toEqual(blocks(4));
  });

  it('keeps what it does not know as bytes: MD5, AccECN, the experimental kinds [RFC 9293 3.2, MUST-6]', () => {
    const experimental = { kind: 254, data: Uint8Array.of(0xf9, 0x89, 1, 2, 3, 4) };
    const accEcn = { kind: 172, data: Uint8Array.of(0, 0, 1) };
    expect(read('fe08f98901020304ac05000001')).toEqual(options({ others: [experimental, accEcn] }));
    const md5 = { kind: 19, data: Uint8Array.from({ length: 16 }, (_, i) => i) };
    expect(read(`1312${toHex(md5.data)}`)).toEqual(options({ others: [md5] }));
  });

  it('keeps a known option of a wrong length as bytes, and goes on [RFC 9293 3.1, MUST-7]', () => {
    for (const wrong of [
      '0203ff',
      '02050102ff',
      '030401ff',
      '0403ff',
      '050200',
      '0506ffffffff',
      '0809ffffffffffffff',
      '2203ff',
    ]) {
      const result = parsed(read(`${wrong.slice(0, 2 * Number.parseInt(wrong.slice(2, 4), 16))}0101030307`));
      expect(result.windowScale, wrong).toBe(7);
      expect(result.others?.[0]?.kind, wrong).toBe(Number.parseInt(wrong.slice(0, 2), 16));
      expect({ ...result, others: undefined }, wrong).toEqual(options({ windowScale: 7 }));
    }
  });

  it('drops the segment when a length is below 2 or beyond the header [RFC 9293 3.1, MUST-7]', () => {
    for (const bad of ['02', '01010108', '0200', '0201', '020405', '0101080a00', '030305b4ff00']) {
      expect(read(bad), bad).toBe('PKT_TOO_SMALL');
    }
  });

  it('takes the last of an option that is there twice', () => {
    expect(read('020400010204000205020000')).toMatchObject({ mss: 2 });
  });

  it('takes Fast Open cookies and requests for one [RFC 7413 4.1.1]', () => {
    expect(read('22020101')).toEqual(options({ fastOpen: new Uint8Array(0) }));
    expect(read('220601020304')).toEqual(options({ fastOpen: Uint8Array.of(1, 2, 3, 4) }));
    expect(parsed(read('22070102030405')).fastOpen).toBeUndefined();
  });
});

describe('writing TCP options', () => {
  it('is aligned and readable in the standard layout', () => {
    expect(written(NO_OPTIONS)).toBe('');
    expect(written(SYN)).toBe('020405b401030307010104020101080a0102030400000000');
    expect(written(options({ timestamps: { value: 1, echo: 2 }, sack: blocks(1) }))).toBe(
      '0101080a00000001000000020101050a0000000000000001',
    );
  });

  it("is Linux's order in the linux layout", () => {
    expect(written(SYN, 'linux')).toBe('020405b40402080a010203040000000001030307');
    expect(written({ ...SYN, sackPermitted: false }, 'linux')).toBe(
      '020405b40101080a010203040000000001030307',
    );
    expect(written({ ...SYN, timestamps: undefined }, 'linux')).toBe('020405b40101040201030307');
    expect(written({ ...SYN, fastOpen: new Uint8Array(0) }, 'linux')).toBe(
      '020405b40402080a01020304000000000103030722020101',
    );
    expect(written(options({ timestamps: { value: 1, echo: 2 }, sack: blocks(3) }), 'linux')).toHaveLength(
      80,
    );
  });

  it.each<[string, Partial<TcpOptions>, string]>([
    ['all', {}, '020405b4010303070402080a0102030400000000'],
    ['no timestamps', { timestamps: undefined }, '020405b40103030704020000'],
    ['no SACK', { sackPermitted: false }, '020405b4010303070101080a0102030400000000'],
    ['no window scale', { windowScale: undefined }, '020405b40402080a0102030400000000'],
    ['SACK only', { windowScale: undefined, timestamps: undefined }, '020405b404020000'],
    ['scale only', { sackPermitted: false, timestamps: undefined }, '020405b401030307'],
    ['MSS only', { windowScale: undefined, sackPermitted: false, timestamps: undefined }, '020405b4'],
    [
      'a cookie asked for',
      { fastOpen: new Uint8Array(0) },
      '020405b4010303070402080a010203040000000022020000',
    ],
    [
      'a cookie, not aligned',
      { windowScale: undefined, timestamps: undefined, fastOpen: Uint8Array.of(1, 2, 3, 4) },
      '020405b40402220601020304',
    ],
  ])("is FreeBSD's order in the freebsd layout: %s", (_, change, hex) => {
    expect(written({ ...SYN, ...change }, 'freebsd')).toBe(hex);
  });

  it("is FreeBSD's order after the handshake", () => {
    const timestamps = { value: 1, echo: 2 };
    expect(written(options({ timestamps }), 'freebsd')).toBe('0101080a0000000100000002');
    expect(written(options({ sack: blocks(1) }), 'freebsd')).toBe('0101050a0000000000000001');
    expect(written(options({ timestamps, sack: blocks(1) }), 'freebsd')).toBe(
      '0101080a00000001000000020101050a0000000000000001',
    );
    // Behind SACK-permitted alone the blocks need no NOPs.
    expect(written(options({ sackPermitted: true, sack: blocks(1) }), 'freebsd')).toBe(
      '0402050a0000000000000001',
    );
  });

  it('fills up with zeros [RFC 9293 3.1, MUST-69]', () => {
    expect(written(options({ others: [{ kind: 172, data: Uint8Array.of(1, 2, 3) }] }))).toBe(
      'ac05010203000000',
    );
  });

  it('cuts SACK blocks to what fits into 40 bytes [RFC 2018 3]', () => {
    const held = (value: TcpOptions): number | undefined => parsed(read(written(value))).sack?.length;
    expect(held(options({ sack: blocks(9) }))).toBe(4);
    expect(held(options({ sack: blocks(4), timestamps: { value: 1, echo: 2 } }))).toBe(3);
    expect(held({ ...SYN, sack: blocks(4) })).toBe(1);
  });

  it('never takes more than 40 bytes, and what was written is read again and written the same', () => {
    fc.assert(
      fc.property(
        anyOptions,
        fc.constantFrom<OptionLayout>('standard', 'linux', 'freebsd'),
        (value, layout) => {
          const hex = written(value, layout);
          expect(hex.length / 2).toBeLessThanOrEqual(40);
          expect(hex.length % 8).toBe(0);
          const back = parsed(read(hex));
          expect(written(back, layout)).toBe(hex);
          expect(back).toMatchObject({
            mss: value.mss,
            windowScale: value.windowScale,
            sackPermitted: value.sackPermitted,
            timestamps: value.timestamps,
          });
          if (back.sack !== undefined) expect(back.sack).toEqual(value.sack?.slice(0, back.sack.length));
          const fits =
            tcpOptions.emittedLength(
              { ...value, sack: undefined, others: undefined, fastOpen: undefined },
              layout,
            ) ===
            hex.length / 2;
          if (
            fits &&
            value.sack === undefined &&
            value.fastOpen === undefined &&
            value.others === undefined
          ) {
            expect(back).toEqual(value);
          }
        },
      ),
      { numRuns: 2_000 },
    );
  });
});
