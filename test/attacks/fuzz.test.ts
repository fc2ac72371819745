import { describe, expect, it } from 'vitest';
import { FUZZ_TARGETS, fuzz } from '../../attacks/fuzz-targets.ts';
import { fuzzedOptions } from '../../attacks/fuzzed-options.ts';
import { seededRandom } from '../../sim/random.ts';
import { randomBelow } from '../../stack/random.ts';
import { Field, figure } from './field.ts';
import { withOptions } from './packets.ts';

const RUNS = 50_000;

function target(name: string): (typeof FUZZ_TARGETS)[number] {
  return FUZZ_TARGETS.find((each) => each.name === name) ?? expect.fail(name);
}

/** Some inputs are taken and some are not: else they would be too wrong, or too right, to find anything. */
function fuzzed(row: string, name: string): void {
  const taken = fuzz(target(name), RUNS, 1);
  expect(taken).toBeGreaterThan(RUNS / 1_000);
  expect(taken).toBeLessThan(RUNS);
  figure(row, `throws in ${RUNS.toLocaleString('en')} fuzz runs, ${name}`, 0);
}

describe('parsers', () => {
  it.each(['DHCP', 'domain names'])(
    'B10 nothing that %s may carry throws, loops or is read beyond its end',
    (name) => fuzzed('B10', name),
  );

  it.each(['router advertisements', 'neighbour discovery'])(
    'B9 nothing that %s may carry throws, loops or is read beyond its end',
    (name) => fuzzed('B9', name),
  );

  it('B11 no chain of extension headers throws, loops or is read beyond its end', () =>
    fuzzed('B11', 'IPv6 extension headers'));

  it('A11 a broken capture file brings an error that says where it is broken, and no other', () =>
    fuzzed('A11', 'captures'));
});

it.each(['standard', 'linux', 'textbook'] as const)(
  'A9 segments with options from dice, SACK, Accurate ECN and Fast Open among them, throw nothing in any state [%s]',
  (profile) => {
    const random = seededRandom(9, profile);
    let states = new Set<string>();
    let injected = 0;
    for (let round = 0; round < 60; round++) {
      const field = new Field({ profile, fastOpen: {}, tcp: { sack: true, ecn: 'accurate' } });
      const own = field.open(5_000, undefined, { mss: 1_460, sackPermitted: true, windowScale: 7 });
      const connection = field.accepted[0];
      const honest = field.honest(5_000);
      connection?.enqueue(new Uint8Array(100_000));
      for (let i = 0; i < 300; i++) {
        const flags = ['', '', '', 'S', 'F', 'P', i > 250 ? 'R' : ''][randomBelow(random, 7)] ?? '';
        const near = [0, 0, 0, 1, -1, 1_000, -1_000, 2_000_000_000][randomBelow(random, 8)] ?? 0;
        const seq = (connection?.receiver.nxt ?? 0) + near;
        const ack = (connection?.sender.una ?? 0) + Math.max(0, near);
        const data = new Uint8Array(randomBelow(random, 3) * 100);
        const fresh = flags === 'S' ? { port: 6_000 + i } : {};
        field.inject(
          withOptions({ ...own, ...fresh, seq, ack: flags === 'S' ? undefined : ack, flags, data }, [
            ...fuzzedOptions(random),
          ]),
        );
        injected += 1;
        if (i === 150 && round % 2 === 0) connection?.shutdown();
        if (i % 10 === 0) field.run(randomBelow(random, 50));
        states = states.add(connection?.state ?? 'CLOSED');
      }
      field.run(5_000);
      expect(honest.done).toBe(true);
      for (const each of field.accepted) each.abort();
      field.run(400_000);
      expect(field.victim.tcp.size).toBe(0);
      expect([field.stats.memory.scoreboard, field.stats.memory.connections]).toEqual([0, 0]);
    }
    expect(states.size).toBeGreaterThan(3);
    figure(
      'A9',
      `segments with options from dice into ${states.size} states, throws, ${profile}`,
      `${injected}, 0`,
    );
  },
);
