import { describe, expect, it } from 'vitest';
import type { FrameRule } from '../../../../device/layers/frame-rule.ts';
import type { Impairments } from '../../../../sim/link/impairments.ts';
import { seededRandom } from '../../../../sim/random.ts';
import { createWorld } from '../../../../sim/sim.ts';
import { randomBelow } from '../../../../stack/random.ts';
import type { TcpSettings } from '../../../../stack/settings.ts';
import type { CongestionControl } from '../../../../stack/tcp/congestion/congestion-control.ts';
import { ms, seconds } from '../../../../stack/time.ts';
import { Pair, Program, expectComplete } from '../pair.ts';

const BITS = 10_000_000;

interface Outcome {
  /** Of the link's capacity, what the program got. */
  readonly share: number;
  readonly control: CongestionControl;
}

/** A connection sends for `time` seconds over 10 Mbit/s and a round trip of 40 ms. */
function transfer(
  tcp: Partial<TcpSettings>,
  impairments: Partial<Impairments> = {},
  time: number = 5,
): Outcome {
  const world = createWorld({ seed: 7 });
  const buffers = {
    sendBuffer: { from: 1 << 20, to: 1 << 20 },
    receiveBuffer: { from: 1 << 20, to: 1 << 22 },
  };
  const settings = { tcp: { ...buffers, ...tcp } };
  const a = world.host('a', { settings });
  const b = world.host('b', { settings });
  const queue = { discipline: 'drop-tail', bytes: 100_000 } as const;
  const forth = { rate: { bitsPerSecond: BITS }, delay: ms(20), queue, ...impairments };
  world.link(a, b, { 'a→b': forth, 'b→a': { delay: ms(20) } });
  let received = 0;
  b.listen(80, () => undefined, {
    heard: (_event, flow) => {
      received = flow.received;
    },
  });
  const client = a.connect(b, 80);
  client.send(new Uint8Array((time * BITS) / 8));
  world.run(world.in(seconds(time)));
  return { share: (received * 8) / time / BITS, control: client.connection.sender.congestion };
}

describe.each(['newreno', 'cubic', 'bbr'] as const)('a connection with %s', (congestion) => {
  it('fills a path of 10 Mbit/s to nine tenths [RFC 5681 3.1; RFC 9438 4; draft-ietf-ccwg-bbr 5]', () => {
    expect(transfer({ congestion, hystart: true }).share).toBeGreaterThan(0.9);
  });

  it('does so when it is paced as well', () => {
    expect(transfer({ congestion, pacing: 'on' }).share).toBeGreaterThan(0.88);
  });

  it('delivers everything in bad weather, with 20 seeds', () => {
    let lost = 0;
    for (let seed = 1; seed <= 20; seed++) {
      const dice = seededRandom(seed, 'wire');
      const onFrame: FrameRule = () => {
        const drop = randomBelow(dice, 100) < 10;
        if (drop) lost += 1;
        return drop ? 'drop' : { delay: ms(randomBelow(dice, 10) === 0 ? 40 : 0) };
      };
      const tcp = {
        congestion,
        hystart: true,
        cwndValidation: true,
        maxRto: seconds(4),
        synRetries: 20,
        synAckRetries: 20,
      };
      const changes = { profile: seed % 2 === 0 ? 'standard' : 'linux', tcp } as const;
      const pair = new Pair({ seed, onFrame, client: changes, server: changes });
      pair.explain(`bad weather (${congestion})`, () => {
        const client = new Program(50_000);
        const server = new Program(50_000);
        pair.connect(client, server).finish(seconds(1_800));
        expectComplete(pair, [client, 50_000], [server, 50_000]);
      });
    }
    expect(lost).toBeGreaterThan(100);
  });
});

it('knows the path after a few seconds of BBR, to the microsecond and not to the tick of a timestamp [draft-ietf-ccwg-bbr 4.2, 5.5]', () => {
  const { control } = transfer({ congestion: 'bbr' });
  const { maxBw, minRtt } = control.details();
  const payload = (BITS / 8) * (1_448 / 1_500);
  expect(Math.abs(Number(maxBw) / payload - 1)).toBeLessThan(0.05);
  expect(Number(minRtt)).toBeGreaterThan(40_000); // and up to 1.2 ms on the wire
  expect(Number(minRtt)).toBeLessThan(41_500);
  expect(Number(minRtt) % 1_000).not.toBe(0);
});

it('is faster with BBR than with NewReno and CUBIC over a lossy path [draft-ietf-ccwg-bbr 3.1]', () => {
  const impairments: Partial<Impairments> = { loss: { model: 'independent', p: 0.01 } };
  const [reno, cubic, bbr] = (['newreno', 'cubic', 'bbr'] as const).map(
    (congestion) => transfer({ congestion }, impairments).share,
  );
  expect(bbr).toBeGreaterThan(Math.max(reno ?? 1, cubic ?? 1) * 1.2);
});
