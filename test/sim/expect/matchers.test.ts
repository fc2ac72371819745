import { describe, expect, it } from 'vitest';
import { createWorld, pair, type World } from '../../../sim/sim.ts';
import { matchers, segmentsOf, wireText } from '../../../sim/vitest.ts';
import { type Instant, ms } from '../../../stack/time.ts';

expect.extend(matchers);

/** A greeting whose first data segment is lost. */
function greeting(seed: number = 1): World {
  const world = createWorld({ seed });
  const { a, b, link } = pair(world, { delay: ms(10) });
  link.rule({ name: 'first data', direction: 'a→b', match: ({ payload }) => payload.length > 0, times: 1 });
  b.listen(80, () => undefined, { heard: (event, flow) => event.type === 'readable' && flow.send('pong') });
  const client = a.connect(b, 80, { heard: (event, flow) => event.type === 'readable' && flow.end() });
  world.at(ms(100) as number as Instant, () => client.send('ping'));
  world.run();
  world.finish();
  return world;
}

/** What a matcher has to say when it fails. */
function complaint(check: () => void): string {
  try {
    check();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  throw new Error('it did not fail');
}

describe('matchers', () => {
  const world = greeting();

  it('toContainSegments: whole values, order, time', () => {
    expect(world).toContainSegments([
      { host: 'a', flags: 'S', seq: 0, length: 0, at: 0, cause: 'syn' },
      { host: 'b', flags: 'S.', seq: 0, ack: 1, within: 10_000, options: { mss: 1460 } },
      { host: 'a', flags: 'P.', seq: 1, ack: 1, length: 4, at: { at: 100_000, tolerance: 10 } },
      { host: 'a', length: 4, cause: 'loss-probe-retransmit', within: [200_000, 300_000] },
      { host: 'b', flags: 'P.', length: 4, ack: 5 },
      { host: 'b', flags: 'F.', seq: 5 },
    ]);
    const wrong = complaint(() =>
      expect(world).toContainSegments([
        { host: 'a', flags: 'S' },
        { host: 'a', flags: 'S' },
      ]),
    );
    expect(wrong).toContain('segment 2 of 2 is missing: {"host":"a","flags":"S"}');
    expect(wrong).toMatch(/event \d+\): flags is F?\.|✓ \d+ 0\.000000 a sends \[S\] seq 0/);
  });

  it('toContainSegments exactly: nothing between', () => {
    expect(world).toContainSegments([
      { host: 'b', flags: 'S.' },
      { host: 'b', flags: 'P.' },
      { host: 'b', flags: 'F.' },
    ]);
    const syns = segmentsOf(world.events).filter(
      ({ host, direction }) => host === 'a' && direction === 'out',
    ).length;
    const all = Array.from({ length: syns }, () => ({ host: 'a' }));
    expect(world).toContainSegments(all, { exactly: true });
    expect(complaint(() => expect(world).toContainSegments(all.slice(1), { exactly: true }))).toContain(
      '1 segments are more',
    );
  });

  it('states, retransmissions, drops, losses, resets, silence', () => {
    expect(world).toReachState('TIME-WAIT', { host: 'a' });
    expect(world).not.toReachState('TIME-WAIT', { host: 'b' });
    expect(complaint(() => expect(world).toReachState('CLOSING'))).toMatch(
      /CLOSING was never reached\n {2}\d+ a #1 CLOSED → SYN-SENT/,
    );
    expect(world).toRetransmit(1, { host: 'a', cause: 'loss-probe-retransmit' });
    expect(world).not.toRetransmit(undefined, { host: 'b' });
    expect(world).toLose('LINK_RULE', 1);
    expect(world).not.toLose('LINK_LOSS');
    expect(world).not.toDrop('TCP_CSUM');
    expect(world).not.toReset('NO_SOCKET');
    expect(world).toBeQuiet(101_000, 300_000);
    expect(complaint(() => expect(world).toRetransmit(2))).toMatch(
      /retransmissions: 1, at events \d+; expected 2/,
    );
    expect(world).toSendNo({ flags: 'R' });
  });

  it('toHaveTcb: the variables of a live connection', () => {
    const open = createWorld({ seed: 1 });
    const { a, b } = pair(open);
    b.listen(7);
    a.connect(b, 7);
    open.run(1_000_000 as Instant);
    expect(open).toHaveTcb('a', 1, { state: 'ESTABLISHED', inFlight: 0, dupAcks: 0 });
    expect(complaint(() => expect(open).toHaveTcb('a', 1, { state: 'CLOSED' }))).toContain(
      'state is ESTABLISHED, not CLOSED',
    );
    expect(open).not.toHaveTimer('a', 1, 'retransmission');
    expect(complaint(() => expect(open).toHaveTimer('a', 1, 'persist', 5))).toContain(
      'is not set; expected: due at 5 µs',
    );
    expect(complaint(() => expect(open).toHaveTcb('b', 9, {}))).toContain('host b has no connection 9');
  });

  it('need a trace', () => {
    const silent = createWorld({ seed: 1, record: false });
    pair(silent).a.connect('10.0.1.2', 7);
    silent.run();
    expect(() => expect(silent).toRetransmit()).toThrow('createWorld({ record: true })');
  });
});

describe('wireText', () => {
  it('is the same for every seed, ports and timestamps masked', () => {
    const text = wireText(greeting(1).events);
    expect(wireText(greeting(2).events)).toBe(text);
    expect(text.split('\n').slice(0, 4)).toMatchInlineSnapshot(`
      [
        "0.000000 10.0.1.1:port1 > 10.0.1.2:80: [S] seq 0, win 65535, mss 1460, wscale 7, sackOK, TS",
        "0.010000 10.0.1.2:80 > 10.0.1.1:port1: [S.] seq 0, ack 1, win 65535, mss 1460, wscale 7, sackOK, TS",
        "0.020000 10.0.1.1:port1 > 10.0.1.2:80: [.] seq 1, ack 1, win 1024, TS",
        "0.100000 10.0.1.1:port1 > 10.0.1.2:80: [P.] seq 1, length 4, ack 1, win 1024, TS",
      ]
    `);
    expect(text).toContain('a-b a→b #2 lost: LINK_RULE');
    expect(wireText(greeting(1).events, { masks: [] })).not.toBe(wireText(greeting(2).events, { masks: [] }));
  });
});
