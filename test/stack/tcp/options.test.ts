import { describe, expect, it } from 'vitest';
import { seconds } from '../../../stack/time.ts';
import { Bench, established } from './harness.ts';

const TS = { tcp: { timestamps: true } };
const DAY = 24 * 3_600_000;

describe('the maximum segment size', () => {
  it.each([
    [1500, 1460],
    [576, 536],
    [9000, 8960],
  ])('of an MTU of %d is announced as %d, on SYNs only [RFC 9293 MUST-67, MUST-65]', (mtu, mss) => {
    const bench = new Bench({ mtu }).connect().sends(`<SEQ=0><CTL=SYN><MSS=${mss}>`);
    bench.arrives('<SEQ=0><ACK=1><CTL=SYN,ACK><MSS=9999>').sends('<SEQ=1><ACK=1><CTL=ACK><MSS=undefined>');
    expect(bench.info('mss')).toBe(mss);
  });

  it('is 536 if the peer names none [RFC 9293 MUST-15]', () => {
    expect(established({}, '').info('mss')).toBe(536);
  });

  it('leaves room for the options of every segment [RFC 9293 MUST-16; RFC 6691 2]', () => {
    const bench = established(TS, '<MSS=1460><TS=1/0>').write(5_000);
    expect(bench.sent().map(({ payload }) => payload.length)).toEqual([1_448, 1_448, 1_448]);
  });

  it('of a peer below 48 counts as 48 (A12)', () => {
    const bench = established({}, '<MSS=1>').write(100);
    expect(bench.sent().map(({ payload }) => payload.length)).toEqual([48, 48]);
    expect(established({}, '<MSS=0>').info('mss')).toBe(48);
  });
});

describe('options', () => {
  it('that nobody knows are skipped, at any alignment [RFC 9293 MUST-6, MUST-64]', () => {
    const bench = new Bench(TS).connect();
    // NOPs of kind 1 cannot be written as raw options; odd lengths shift what follows.
    bench.arrives('<SEQ=0><ACK=1><CTL=SYN,ACK><OPT=99:aabbcc,200:dd,2:03e8,77:>');
    expect([bench.state, bench.info('mss')]).toEqual(['ESTABLISHED', 1_000]);
  });

  it('of a known kind but a wrong length are ignored [RFC 9293 MUST-7]', () => {
    const bench = new Bench().connect().arrives('<SEQ=0><ACK=1><CTL=SYN,ACK><OPT=2:03e800,3:0707>');
    expect([bench.state, bench.info('mss')]).toEqual(['ESTABLISHED', 536]);
  });

  it('of an impossible length make the segment be dropped, not the connection [RFC 9293 MUST-7] (A9)', async () => {
    const { packetOf } = await import('./words.ts');
    const bench = established();
    for (const length of [0, 1, 40]) {
      const packet = packetOf('<SEQ=1><ACK=1><CTL=ACK><OPT=77:0000><DATA=5>', bench.frame);
      const at = packet.head + 20 + 20;
      packet.bytes[at + 1] = length;
      const sum = packet.view.getUint16(packet.head + 20 + 16) + 4 - length;
      packet.view.setUint16(packet.head + 20 + 16, sum > 0xffff ? sum - 0xffff : sum);
      bench.arrivesRaw(packet);
    }
    expect([bench.state, bench.drops, bench.read()]).toEqual([
      'ESTABLISHED',
      Array(3).fill('PKT_TOO_SMALL'),
      0,
    ]);
  });

  it('may come on any segment [RFC 9293 MUST-5], and MSS means something on a SYN only', () => {
    const bench = established().arrives('<SEQ=1><ACK=1><CTL=ACK><MSS=500><WS=9><DATA=5>');
    expect([bench.read(), bench.info('mss'), bench.info('snd.wind.shift')]).toEqual([5, 1_460, 0]);
  });
});

describe('timestamps', () => {
  it('are on every segment if both SYNs had them [RFC 7323 3.2]', () => {
    const bench = new Bench(TS).connect().sends('<SEQ=0><CTL=SYN><TS=0/0>');
    bench.at(30).arrives('<SEQ=0><ACK=1><CTL=SYN,ACK><TS=500/0>').sends('<SEQ=1><ACK=1><CTL=ACK><TS=30/500>');
    bench.at(40).write(5).sends('<SEQ=1><ACK=1><CTL=ACK><DATA=5><TS=40/500>');
  });

  it('are on none if the peer has none, and not on a SYN-ACK if the SYN had none [RFC 7323 3.2]', () => {
    established(TS).write(5).sends('<SEQ=1><ACK=1><CTL=ACK><DATA=5><TS=none>');
    new Bench(TS).listen().arrives('<SEQ=0><CTL=SYN>').sends('<SEQ=0><ACK=1><CTL=SYN,ACK><TS=none>');
  });

  it('that are missing make a segment be dropped in silence, a RST not [RFC 7323 3.2]', () => {
    const bench = established(TS, '<TS=1/0>').arrives('<SEQ=1><ACK=1><CTL=ACK><DATA=5>').sends();
    expect(bench.drops).toEqual(['TCP_RFC7323_TIMESTAMP_MISSING']);
    bench.arrives('<SEQ=1><CTL=RST>');
    expect(bench.told).toEqual(['closed reset']);
  });

  it('echo the segment that the last ACK was for, not a later one [RFC 7323 4.3]', () => {
    const bench = established(TS, '<TS=1/0>').arrives('<SEQ=1><ACK=1><CTL=ACK><DATA=5><TS=10/0>');
    bench.arrives('<SEQ=6><ACK=1><CTL=ACK><DATA=5><TS=20/0>');
    expect(bench.info('ts.recent')).toBe(10); // (A) the ACK is delayed
    bench.wait(500).ignore().arrives('<SEQ=21><ACK=1><CTL=ACK><DATA=5><TS=30/0>');
    expect(bench.info('ts.recent')).toBe(10); // (B) out of order
    bench.arrives('<SEQ=11><ACK=1><CTL=ACK><DATA=10><TS=40/0>');
    expect(bench.info('ts.recent')).toBe(40); // (C) the gap
  });
});

describe('A18 PAWS [RFC 7323 5.3]', () => {
  it('drops a segment with an older timestamp and answers it', () => {
    const bench = established(TS, '<TS=1000/0>').arrives('<SEQ=1><ACK=1><CTL=ACK><DATA=5><TS=999/0>');
    bench.sends('<SEQ=1><ACK=1><CTL=ACK>');
    expect([bench.drops, bench.read()]).toEqual([['TCP_RFC7323_PAWS'], 0]);
    bench.arrives('<SEQ=1><ACK=1><CTL=ACK><DATA=5><TS=1000/0>');
    expect(bench.read()).toBe(5);
  });

  it('does not look at a RST', () => {
    const bench = established(TS, '<TS=1000/0>').arrives('<SEQ=1><CTL=RST><TS=1/0>');
    expect(bench.told).toEqual(['closed reset']);
  });

  it('goes on over the wrap of the timestamp', () => {
    const bench = established(TS, `<TS=${2 ** 32 - 2}/0>`);
    for (let at = 0; at < 5; at++) {
      bench
        .arrives(`<SEQ=${1 + at}><ACK=1><CTL=ACK><DATA=1><TS=${(2 ** 32 - 1 + at) % 2 ** 32}/0>`)
        .wait(200);
    }
    expect([bench.read(), bench.info('ts.recent')]).toEqual([5, 3]);
    bench.arrives(`<SEQ=6><ACK=1><CTL=ACK><DATA=1><TS=${2 ** 32 - 1}/0>`);
    expect(bench.read()).toBe(0);
  });

  it('locks nobody out after 24 idle days [RFC 7323 5.5]', () => {
    const bench = established(TS, '<TS=1000/0>')
      .at(23 * DAY)
      .arrives('<SEQ=1><ACK=1><CTL=ACK><DATA=5><TS=999/0>');
    expect(bench.read()).toBe(0);
    bench.at(24 * DAY + 1).arrives('<SEQ=1><ACK=1><CTL=ACK><DATA=5><TS=999/0>');
    expect([bench.read(), bench.info('ts.recent')]).toEqual([5, 999]);
  });
});

describe('data that came again and is all here: the ACK of it was lost', () => {
  const twice = (again: string): Bench =>
    established(TS, '<TS=1/0>')
      .arrives('<SEQ=1><ACK=1><CTL=ACK><DATA=5><TS=10/0>')
      .arrives('<SEQ=6><ACK=1><CTL=ACK><DATA=5><TS=10/0>')
      .wait(500)
      .ignore()
      .arrives(again);

  it('is answered with its own timestamp, not that of the first transmission, lest the RTO grow [RFC 7323 4.3 (2)]', () => {
    twice('<SEQ=1><ACK=1><CTL=ACK><DATA=5><TS=700/0>').sends('<SEQ=1><ACK=11><CTL=ACK><TS=500/700>');
    twice('<SEQ=6><ACK=1><CTL=ACK><DATA=5><TS=700/0>').sends('<SEQ=1><ACK=11><CTL=ACK><TS=500/700>');
  });

  it('keeps TS.Recent if its timestamp is older, or its ACK is not acceptable [RFC 7323 5.3; RFC 5961 5.2]', () => {
    expect(twice('<SEQ=1><ACK=1><CTL=ACK><DATA=5><TS=9/0>').info('ts.recent')).toBe(10);
    expect(twice('<SEQ=1><ACK=2><CTL=ACK><DATA=5><TS=700/0>').info('ts.recent')).toBe(10);
  });
});

it('B8 timestamps begin anywhere, and go on over connections of the same two hosts [RFC 7323 5.4, 7.1]', () => {
  const first = new Bench({ ...TS, seed: 1 }).connect().frame.ts;
  const again = new Bench({ ...TS, seed: 1 }).at(seconds(5) / 1_000).connect().frame.ts;
  const other = new Bench({ ...TS, seed: 2 }).connect().frame.ts;
  expect((again - first) >>> 0).toBe(5_000);
  expect(other).not.toBe(first);
});
