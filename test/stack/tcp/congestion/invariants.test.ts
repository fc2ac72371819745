import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WindowedMax } from '../../../../stack/tcp/congestion/windowed-max.ts';
import { rateRecord } from '../../../../stack/tcp/delivery-rate.ts';
import { type Duration, ms, us } from '../../../../stack/time.ts';
import { Path } from './path.ts';
import { type Algorithm, Subject } from './subject.ts';

const ALGORITHMS = ['newreno', 'cubic', 'bbr'] as const satisfies readonly Algorithm[];

/** Anything that may happen to an algorithm, in any order, with any numbers. */
const steps = fc.array(
  fc.record({
    what: fc.constantFrom(
      'round',
      'ack',
      'loss',
      'ecn',
      'duplicate',
      'partial',
      'exit',
      'timeout',
      'idle',
      'undo',
      'mss',
      'lost',
      'wait',
    ),
    bytes: fc.oneof(fc.integer({ min: 0, max: 100_000 }), fc.constant(1), fc.constant(2 ** 31)),
    time: fc.oneof(fc.integer({ min: 0, max: 1_000_000 }), fc.constant(3_600_000_000)),
    flag: fc.boolean(),
  }),
  { maxLength: 60 },
);
type Step = typeof steps extends fc.Arbitrary<(infer One)[]> ? One : never;

function happen(subject: Subject, { what, bytes, time, flag }: Step, setMss: (mss: number) => void): void {
  const { control } = subject;
  switch (what) {
    case 'round':
      subject.rtt = us(time);
      subject.round(Math.max(bytes, 1), { limited: flag });
      return;
    case 'ack':
      subject.ack(bytes, { limited: flag, srtt: flag ? us(time) : undefined, afterTimeout: !flag });
      return;
    case 'loss':
      subject.loss(Math.max(bytes, 1));
      return;
    case 'ecn':
      control.enterRecovery(Math.max(bytes, 1), subject.now, 'ecn');
      return;
    case 'duplicate':
      control.duplicateAck();
      return;
    case 'partial':
      control.partialAck(bytes);
      return;
    case 'exit':
      control.exitRecovery(bytes);
      return;
    case 'timeout':
      subject.timeout(Math.max(bytes, 1), flag);
      return;
    case 'idle':
      control.restartAfterIdle(us(time), ms(200));
      return;
    case 'undo':
      control.undo();
      return;
    case 'mss':
      setMss(48 + (bytes % 9_000));
      return;
    case 'lost': {
      const record = rateRecord();
      subject.rate.onSent(record, Math.max(bytes, 1), subject.now, time);
      subject.rate.onLost(Math.max(bytes, 1));
      control.lost?.(record, Math.max(bytes, 1), subject.now);
      return;
    }
    case 'wait':
      subject.wait(us(time));
  }
}

describe.each(ALGORITHMS)('%s', (algorithm) => {
  it('keeps its window whole, finite and no smaller than a segment, whatever happens [RFC 5681 3.1]', () => {
    fc.assert(
      fc.property(steps, fc.boolean(), fc.boolean(), (all, hystart, cwndValidation) => {
        const subject = new Subject(algorithm, { hystart, cwndValidation }).open();
        let mss = 1_000;
        for (const step of all) {
          happen(subject, step, (next) => {
            mss = next;
            subject.control.mssChanged(next);
          });
          const { cwnd, ssthresh, pacingRate } = subject.control;
          expect(Number.isSafeInteger(cwnd) && Number.isSafeInteger(ssthresh)).toBe(true);
          expect(cwnd).toBeGreaterThanOrEqual(mss);
          if (algorithm === 'bbr')
            expect(pacingRate !== undefined && pacingRate > 0 && pacingRate < Number.POSITIVE_INFINITY).toBe(
              true,
            );
        }
      }),
      { numRuns: 300 },
    );
  });

  it('gets everything through any path, and comes to the same end twice [determinism.md 9]', () => {
    fc.assert(
      fc.property(
        fc.record({
          rate: fc.integer({ min: 20_000, max: 5_000_000 }),
          rtt: fc.integer({ min: 100, max: 200_000 }),
          buffer: fc.integer({ min: 5_000, max: 300_000 }),
          loss: fc.integer({ min: 0, max: 1_000 }),
          ackEvery: fc.integer({ min: 1, max: 8 }),
        }),
        fc.integer({ min: 1, max: 1_000 }),
        (shape, seed) => {
          const [first, second] = [0, 0].map(() => {
            const path = new Path(
              { ...shape, rtt: us(shape.rtt) },
              { congestion: algorithm, hystart: true },
              seed,
            );
            path.backlog = 200_000;
            path.run(ms(300_000));
            return {
              goodput: path.goodput,
              again: path.retransmissions,
              cwnd: path.control.cwnd,
              details: path.control.details(),
            };
          });
          expect(first?.goodput).toBe(200_000);
          expect(second).toEqual(first);
        },
      ),
      { numRuns: 40 },
    );
  });
});

it('knows the largest value of the last instants as a search through all of them does [draft-ietf-ccwg-bbr 5.5.5]', () => {
  const values = fc.array(fc.tuple(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 2 })));
  fc.assert(
    fc.property(values, fc.integer({ min: 1, max: 5 }), (all, length) => {
      const filter = new WindowedMax();
      const seen: [value: number, at: number][] = [];
      let now = 0;
      for (const [value, passed] of all) {
        now += passed;
        seen.push([value, now]);
        const expected = Math.max(...seen.filter(([, at]) => at > now - length).map(([one]) => one));
        expect(filter.update(value, now, length)).toBe(expected);
      }
    }),
  );
});

it('has no maximum before the first value', () => {
  expect(new WindowedMax().max).toBe(0);
  expect(new WindowedMax().update(3, 0 as Duration, 1)).toBe(3);
});
