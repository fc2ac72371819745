import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PacketBuffer } from '../../../stack/bytes/packet-buffer.ts';
import type { DropReason } from '../../../stack/drop-reasons.ts';
import { Reassembly } from '../../../stack/ip/reassembly.ts';
import type { SettingsChanges } from '../../../stack/settings.ts';
import { after, type Instant, NEVER, seconds } from '../../../stack/time.ts';
import * as ipv4 from '../../../stack/wire/ipv4.ts';
import { address, fragmentsOf, makeContext, open, packetOf, pattern, THERE } from './support.ts';

function setUp(changes: SettingsChanges = {}) {
  const context = makeContext(changes);
  const dropped: DropReason[] = [];
  const timedOut: Uint8Array[] = [];
  const reassembly = new Reassembly(context, {
    drop: (reason) => dropped.push(reason),
    timedOut: (first) => timedOut.push(first.contents().slice()),
  });
  const arrive = (packet: PacketBuffer): Uint8Array | undefined => {
    const header = ipv4.parse(packet);
    if (typeof header === 'string') throw new Error(header);
    const whole = reassembly.fragmentArrived(packet, header);
    if (whole === undefined) return undefined;
    return open(whole).payload.contents().slice();
  };
  return { context, dropped, timedOut, reassembly, arrive };
}

describe('reassembly', () => {
  it('puts fragments together in whatever order they come [RFC 791 3.2, RFC 815]', () => {
    const cutsOf = (length: number) =>
      fc.uniqueArray(fc.integer({ min: 1, max: Math.ceil(length / 8) - 1 }), { minLength: 1, maxLength: 40 });
    const cases = fc.integer({ min: 17, max: 65_515 }).chain((length) =>
      cutsOf(length).chain((cuts) => {
        const begins = cuts.map((cut) => cut * 8).sort((a, b) => a - b);
        const order = Array.from({ length: begins.length + 1 }, (_, i) => i);
        return fc.record({
          length: fc.constant(length),
          begins: fc.constant(begins),
          order: fc.shuffledSubarray(order, { minLength: order.length }),
        });
      }),
    );
    fc.assert(
      fc.property(cases, ({ length, begins, order }) => {
        const { arrive, reassembly, dropped } = setUp();
        const payload = pattern(length);
        const fragments = fragmentsOf(payload, begins);
        const results = order.map((i) => arrive(fragments[i] ?? packetOf(new Uint8Array(0))));
        expect(results.slice(0, -1).every((result) => result === undefined)).toBe(true);
        expect(Buffer.compare(results.at(-1) ?? new Uint8Array(0), payload)).toBe(0);
        expect([reassembly.size, reassembly.memory, dropped.length]).toEqual([0, 0, 0]);
      }),
      { numRuns: 60 },
    );
  });

  it('never makes a datagram out of bytes that contradict each other, whatever comes [attacks.md A15]', () => {
    const piece = fc.record({
      begin: fc.integer({ min: 0, max: 5 }),
      blocks: fc.integer({ min: 1, max: 3 }),
      more: fc.boolean(),
      seed: fc.integer({ min: 1, max: 2 }),
    });
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        const { arrive, reassembly } = setUp();
        let seen: { at: number; bytes: Uint8Array }[] = [];
        for (const { begin, blocks, more, seed } of pieces) {
          const at = begin * 8;
          const bytes = new Uint8Array(blocks * 8).fill(seed);
          seen.push({ at, bytes });
          const whole = arrive(packetOf(bytes, { fragmentOffset: at, moreFragments: more }));
          if (whole === undefined) continue;
          // Then every fragment since the first is in it, as it came.
          for (const one of seen) expect(whole.slice(one.at, one.at + one.bytes.length)).toEqual(one.bytes);
          expect([reassembly.size, reassembly.memory]).toEqual([0, 0]);
          seen = [];
        }
      }),
      { numRuns: 300 },
    );
  });

  it('rebuilds the header: total length, no fragment fields, right checksum', () => {
    const { reassembly } = setUp();
    const [first, last] = fragmentsOf(pattern(40), [16], { ttl: 9, tos: 4 });
    for (const packet of [last, first]) {
      const header = ipv4.parse(packet ?? packetOf(new Uint8Array(0)));
      if (typeof header === 'string' || packet === undefined) throw new Error('no header');
      const whole = reassembly.fragmentArrived(packet, header);
      if (packet === last) continue;
      expect(open(whole).header).toMatchObject({
        totalLength: 60,
        moreFragments: false,
        fragmentOffset: 0,
        ttl: 9,
        tos: 4,
      });
    }
  });

  it('marks the whole as congested if one fragment was [RFC 3168 5.3]', () => {
    const { reassembly } = setUp();
    const [first] = fragmentsOf(pattern(40), [16], { tos: 2 });
    const [, last] = fragmentsOf(pattern(40), [16], { tos: 3 });
    let whole: PacketBuffer | undefined;
    for (const packet of [first, last]) {
      if (packet === undefined) continue;
      const header = ipv4.parse(packet);
      if (typeof header !== 'string') whole = reassembly.fragmentArrived(packet, header);
    }
    expect(open(whole).header.tos).toBe(3);
  });

  it('keeps datagrams apart by source, protocol and identification [RFC 791 3.2]', () => {
    const { arrive, reassembly } = setUp();
    const [first] = fragmentsOf(pattern(16), [8]);
    const rest = [{ source: address('10.0.0.3') }, { protocol: 17 }, { identification: 8 }];
    if (first !== undefined) arrive(first);
    for (const header of rest) {
      expect(arrive(packetOf(pattern(8), { ...header, fragmentOffset: 8 }))).toBeUndefined();
    }
    expect(reassembly.size).toBe(4);
  });

  it('ignores an exact duplicate', () => {
    const { arrive, dropped } = setUp();
    const [first, last] = fragmentsOf(pattern(24), [16]);
    if (first === undefined || last === undefined) throw new Error('two fragments');
    arrive(first);
    arrive(first);
    expect(arrive(last)).toEqual(pattern(24));
    expect(dropped).toEqual(['FRAG_TOO_FAR']);
  });

  it('drops the whole datagram when fragments overlap, and what comes of it later (teardrop) [RFC 5722 4]', () => {
    const { arrive, dropped, reassembly } = setUp();
    arrive(packetOf(pattern(24), { moreFragments: true }));
    arrive(packetOf(pattern(16, 9), { moreFragments: true, fragmentOffset: 16 }));
    expect(dropped).toEqual(['FRAG_TOO_FAR']);
    expect(arrive(packetOf(pattern(24), { moreFragments: true }))).toBeUndefined();
    expect(arrive(packetOf(pattern(8), { fragmentOffset: 24 }))).toBeUndefined();
    expect(dropped).toEqual(['FRAG_TOO_FAR', 'FRAG_TOO_FAR', 'FRAG_TOO_FAR']);
    expect(reassembly.memory).toBeLessThanOrEqual(1024);
  });

  it.each([
    ['a second end', { fragmentOffset: 64 }, { fragmentOffset: 80 }],
    ['data beyond the end', { fragmentOffset: 64 }, { fragmentOffset: 80, moreFragments: true }],
    ['an end before data', { fragmentOffset: 80, moreFragments: true }, { fragmentOffset: 64 }],
  ])('drops the whole datagram for %s', (_, first, second) => {
    const { arrive, dropped } = setUp();
    arrive(packetOf(pattern(8), first));
    arrive(packetOf(pattern(8), second));
    expect(dropped).toEqual(['FRAG_TOO_FAR']);
  });

  it('drops a fragment beyond 65,535 bytes (ping of death) [attacks.md A11]', () => {
    const { arrive, dropped, reassembly } = setUp();
    arrive(packetOf(pattern(64), { fragmentOffset: 65_528 }));
    expect(dropped).toEqual(['FRAG_TOO_FAR']);
    expect(reassembly.size).toBe(0);
  });

  it('drops a fragment without data, and one in the middle whose length is no multiple of 8 [RFC 791 3.2]', () => {
    const { arrive, dropped } = setUp();
    arrive(packetOf(new Uint8Array(0), { moreFragments: true }));
    arrive(packetOf(pattern(9), { moreFragments: true }));
    expect(dropped).toEqual(['IP_INHDR', 'IP_INHDR']);
  });

  it('gives up after the timeout, counted from the first arrival, and quotes the first fragment [RFC 1122 3.3.2]', () => {
    const { arrive, context, reassembly, dropped, timedOut } = setUp();
    expect(reassembly.nextDeadline()).toBe(NEVER);
    arrive(packetOf(pattern(8), { fragmentOffset: 8, moreFragments: true }));
    context.now = seconds(30) as number as Instant;
    arrive(packetOf(pattern(8), { moreFragments: true }));
    expect(reassembly.nextDeadline()).toBe(seconds(60));
    context.now = after(0 as Instant, seconds(59));
    reassembly.advance();
    expect(reassembly.size).toBe(1);
    context.now = after(0 as Instant, seconds(60));
    reassembly.advance();
    expect(dropped).toEqual(['FRAG_REASM_TIMEOUT']);
    expect(timedOut.map((quoted) => quoted.length)).toEqual([28]);
    expect([reassembly.size, reassembly.memory]).toEqual([0, 0]);
  });

  it('is silent about a timeout when the first fragment did not come [RFC 792]', () => {
    const { arrive, context, reassembly, timedOut } = setUp();
    arrive(packetOf(pattern(8), { fragmentOffset: 8, moreFragments: true }));
    context.now = after(0 as Instant, seconds(60));
    reassembly.advance();
    expect(timedOut).toEqual([]);
  });

  it('holds no more memory than its settings allow, whoever sends (FragmentSmack) [attacks.md A14]', () => {
    const reassemblyMemory = 256 * 1024;
    const { arrive, reassembly, dropped } = setUp({ ip: { reassemblyMemory } });
    let most = 0;
    for (let i = 0; i < 5_000; i++) {
      const source = address(`192.0.${i % 200}.${1 + (i % 250)}`);
      const fragmentOffset = i % 3 === 0 ? 65_000 : 0;
      arrive(
        packetOf(pattern(8), { source, identification: i & 0xffff, moreFragments: true, fragmentOffset }),
      );
      most = Math.max(most, reassembly.memory);
    }
    expect(most).toBeLessThanOrEqual(reassemblyMemory);
    expect(dropped.every((reason) => reason === 'FRAG_LIMIT')).toBe(true);
  });

  it('holds so many datagrams of one source at most; the oldest goes [attacks.md A14]', () => {
    const { arrive, reassembly, dropped } = setUp({ ip: { reassemblyPerSource: 4 } });
    arrive(packetOf(pattern(8), { source: address('10.0.0.9'), moreFragments: true }));
    for (let id = 0; id < 10; id++) arrive(packetOf(pattern(8), { identification: id, moreFragments: true }));
    expect(reassembly.size).toBe(5);
    expect(dropped).toEqual(Array.from({ length: 6 }, () => 'FRAG_LIMIT'));
    expect(
      arrive(packetOf(pattern(8), { identification: 9, fragmentOffset: 8, source: THERE })),
    ).toHaveLength(16);
  });
});
