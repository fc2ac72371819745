import { describe, expect, it } from 'vitest';
import { createWorld, pair, type World } from '../../../sim/sim.ts';
import { matchers } from '../../../sim/vitest.ts';
import { type Instant, ms, seconds } from '../../../stack/time.ts';

expect.extend(matchers);

const HOUR = 3_600_000_000;
const DAY = 24 * HOUR;

const at = (microseconds: number): Instant => microseconds as Instant;

/** Real milliseconds, to be reported; nothing depends on them. */
function timed(name: string, run: () => World): World {
  const began = performance.now();
  const world = run();
  const took = performance.now() - began;
  if (process.env['SIM_REPORT'] === '1')
    process.stderr.write(`${name}: ${took.toFixed(1)} ms, ${world.steps} steps\n`);
  return world;
}

describe('hours and days take milliseconds', () => {
  for (const round of ['cold', 'warm']) {
    it(`an hour of idle keep-alive (${round})`, () => {
      const world = timed(`one hour of idle keep-alive, ${round}`, () => {
        const made = createWorld({ seed: 1 });
        const { a, b } = pair(made, { delay: ms(10) });
        b.listen(7);
        const client = a.connect(b, 7);
        client.connection.setKeepAlive({ idle: seconds(60), interval: seconds(10), count: 3 });
        made.run(at(HOUR));
        expect(client.established && !client.closed).toBe(true);
        return made;
      });
      const probes = world.events.filter(
        (event) => event.type === 'segment' && event.cause === 'keepalive-probe',
      );
      expect(probes.length / 2).toBeGreaterThan(29);
      expect(probes.length).toBeLessThan(61);
    });

    it(`24 days of idleness and PAWS (${round})`, () => {
      timed(`24 days idle, ${round}`, () => {
        const made = createWorld({ seed: 1 });
        const { a, b } = pair(made, { delay: ms(10) });
        let heard = 0;
        b.listen(7, () => undefined, { heard: (event) => event.type === 'readable' && (heard += 1) });
        const client = a.connect(b, 7).send('before');
        // The timestamp clock of 1 ms has come half way round, and what was remembered is no longer believed.
        made.at(at(25 * DAY), () => client.send('after'));
        made.run(at(25 * DAY + 1_000_000));
        expect(heard).toBe(2);
        expect(made).not.toDrop('TCP_RFC7323_PAWS');
        expect(made).not.toRetransmit();
        client.end();
        made.run();
        made.finish();
        return made;
      });
    });

    it(`a SYN that nobody answers is given up after 255 s (${round})`, () => {
      timed(`SYN give-up, ${round}`, () => {
        const made = createWorld({ seed: 1 });
        const { a, b, link } = pair(made, { delay: ms(10) });
        link.rule({ name: 'nobody hears', direction: 'a→b' });
        const client = a.connect(b, 7);
        made.run();
        made.finish();
        expect([client.reason, Math.round(made.now / 1_000_000)]).toEqual(['timeout', 255]);
        expect(made).toContainSegments(
          [0, 1, 3, 7, 15, 31, 63, 127].map((second) => ({ host: 'a', flags: 'S', at: second * 1_000_000 })),
          { exactly: true },
        );
        return made;
      });
    });
  }
});
