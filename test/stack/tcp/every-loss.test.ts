import { expect, it } from 'vitest';
import { type FaultRule, dropFrames, rules } from '../../../sim/rules.ts';
import type { FrameDirection, PassOrDrop } from '../../../device/layers/frame-rule.ts';
import { type Duration, seconds } from '../../../stack/time.ts';
import { captureTrace } from '../../../trace/capture.ts';
import { Pair, type PairOptions, Program, expectComplete } from './pair.ts';

const REQUEST = 3_000;
const RESPONSE = 4_000;
const BOTH: readonly FrameDirection[] = ['a→b', 'b→a'];
const SMALL = { profile: 'standard', tcp: { msl: seconds(1) } } as const;

/** Request and response in several segments, then both close. Returns the frames of each direction. */
function exchange(name: string, options: PairOptions, limit: Duration): Record<string, number> {
  const frames: Record<string, number> = { 'a→b': 0, 'b→a': 0 };
  const { onFrame } = options;
  const pair = new Pair({
    mtu: 1_000,
    client: SMALL,
    server: SMALL,
    ...options,
    onFrame: (frame) => {
      frames[frame.direction] = frame.index + 1;
      return onFrame?.(frame) ?? 'pass';
    },
  });
  pair.explain(name, () => {
    const client = new Program(REQUEST);
    const server = new Program(RESPONSE, REQUEST);
    pair.connect(client, server).finish(limit);
    expectComplete(pair, [client, REQUEST], [server, RESPONSE]);
  });
  return frames;
}

/** Each frame of the clean run, as direction and index. */
const clean = Object.entries(exchange('without loss', {}, seconds(10))).flatMap(([direction, count]) =>
  Array.from({ length: count }, (_, index) => [direction as FrameDirection, index] as const),
);

it('takes a dozen frames without loss', () => {
  expect(clean.length).toBeGreaterThan(10);
  expect(clean.length).toBeLessThan(24);
});

it.each(['standard', 'linux', 'textbook'] as const)(
  'survives the loss of every single segment, one at a time (%s) [RFC 9293 3.8.1]',
  (profile) => {
    for (const [direction, index] of clean) {
      const fault = dropFrames(direction, [index]);
      const changes = { profile, tcp: { msl: seconds(1) } };
      exchange(
        `${profile} without ${direction} #${index}`,
        { onFrame: rules(fault), client: changes, server: changes },
        seconds(30),
      );
      if (profile === 'standard') fault.assertFired(1);
    }
  },
);

it('survives the loss of every pair of segments', () => {
  let fired = 0;
  for (const [first, one] of clean) {
    for (const [second, other] of clean) {
      if (BOTH.indexOf(first) > BOTH.indexOf(second) || (first === second && one >= other)) continue;
      const faults: FaultRule<PassOrDrop>[] =
        first === second
          ? [dropFrames(first, [one, other])]
          : [dropFrames(first, [one]), dropFrames(second, [other])];
      exchange(
        `without ${first} #${one} and ${second} #${other}`,
        { onFrame: rules(...faults) },
        seconds(60),
      );
      for (const fault of faults) fault.assertFired();
      fired += 1;
    }
  }
  expect(fired).toBe((clean.length * (clean.length - 1)) / 2);
});

it('writes the same capture, byte for byte, when a seed is run twice', () => {
  const capture = (seed: number): Uint8Array[] => {
    const written: Uint8Array[] = [];
    const tracer = captureTrace((bytes) => written.push(bytes.slice()));
    exchange('captured', { seed, tracer, onFrame: rules(dropFrames('a→b', [2])) }, seconds(30));
    tracer.flush();
    return written;
  };
  expect(capture(7)).toEqual(capture(7));
  expect(capture(7)).not.toEqual(capture(8));
});
