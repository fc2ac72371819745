import { expect, it } from 'vitest';
import type { FrameRule } from '../../../device/layers/frame-rule.ts';
import { seededRandom } from '../../../sim/random.ts';
import { randomBelow } from '../../../stack/random.ts';
import { ms, seconds } from '../../../stack/time.ts';
import { Pair, Program, expectComplete } from './pair.ts';

const BYTES = 50_000;
const PROFILES = ['standard', 'linux', 'textbook'] as const;

/** Loses, doubles and delays frames both ways, each by its own dice. */
function badWeather(seed: number, counts: { lost: number; doubled: number; late: number }): FrameRule {
  const dice = seededRandom(seed, 'wire');
  const loss = 5 + randomBelow(dice, 16);
  return () => {
    const [lost, doubled, late] = [randomBelow(dice, 100), randomBelow(dice, 100), randomBelow(dice, 100)];
    const by = ms(randomBelow(dice, 60));
    if (lost < loss) {
      counts.lost += 1;
      return 'drop';
    }
    if (doubled < 5) counts.doubled += 1;
    if (late < 10) counts.late += 1;
    return { duplicate: doubled < 5 ? 1 : 0, delay: late < 10 ? by : ms(0) };
  };
}

it('delivers 50 KB each way through loss, duplication and reordering, with 200 seeds', () => {
  const counts = { lost: 0, doubled: 0, late: 0 };
  let longest = 0;
  for (let seed = 1; seed <= 200; seed++) {
    const profile = PROFILES[seed % 3] ?? 'standard';
    const often = { maxRto: seconds(4), synRetries: 20, synAckRetries: 20 }; // luck is not what is tested here
    const changes = { profile, tcp: { msl: seconds(60), ...often } };

    const pair = new Pair({ seed, onFrame: badWeather(seed, counts), client: changes, server: changes });
    pair.explain(`bad weather (${profile})`, () => {
      const client = new Program(BYTES);
      const server = new Program(BYTES);
      longest = Math.max(longest, pair.connect(client, server).finish(seconds(1_800)));
      expectComplete(pair, [client, BYTES], [server, BYTES]);
    });
  }
  expect(counts.lost).toBeGreaterThan(1_000);
  expect(counts.doubled).toBeGreaterThan(500);
  expect(counts.late).toBeGreaterThan(1_000);
  expect(longest).toBeGreaterThan(0);
});
