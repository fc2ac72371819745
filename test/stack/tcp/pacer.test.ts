import fc from 'fast-check';
import { expect, it } from 'vitest';
import { settings } from '../../../stack/settings.ts';
import { Bbr } from '../../../stack/tcp/congestion/bbr.ts';
import { NewReno } from '../../../stack/tcp/congestion/new-reno.ts';
import { DeliveryRate } from '../../../stack/tcp/delivery-rate.ts';
import { Pacer, sendQuantum } from '../../../stack/tcp/pacer.ts';
import { type Instant, ms } from '../../../stack/time.ts';

const MSS = 1_000;
const paced = settings({ tcp: { pacing: 'on' } }).tcp;

/** Sends as much as the pacer lets pass until `end`; returns when each segment left. */
function run(rate: number, end: number, late: number = 0, pacer: Pacer = new Pacer(paced)): number[] {
  const times: number[] = [];
  let now = 0 as Instant;
  while (now < end) {
    const at = pacer.delayUntil(now);
    if (at > now) {
      now = (at + late) as Instant;
      continue;
    }
    times.push(now);
    pacer.sent(MSS, now, rate, MSS);
  }
  return times;
}

it('sends at the rate, whatever it is [draft-ietf-ccwg-bbr 5.6.2]', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1_000, max: 1_000_000_000 }), (rate) => {
      const seconds = Math.max(1, 20_000 / rate) / Math.max(1, rate / 1e6);
      const sent = run(rate, seconds * 1e6).length * MSS;
      // Two quanta may be out before the clock counts.
      expect(sent).toBeLessThanOrEqual(rate * seconds + 3 * sendQuantum(rate, MSS));
      expect(sent).toBeGreaterThanOrEqual(rate * seconds - sendQuantum(rate, MSS));
    }),
    { numRuns: 50 },
  );
});

it('lets no more than two quanta leave at once [draft-ietf-ccwg-bbr 5.6.3]', () => {
  const times = run(10_000_000, 100_000);
  const bursts = new Map<number, number>();
  for (const at of times) bursts.set(at, (bursts.get(at) ?? 0) + MSS);
  expect(Math.max(...bursts.values())).toBeLessThanOrEqual(2 * sendQuantum(10_000_000, MSS));
});

it('makes up for timers that are late by less than a quantum takes', () => {
  const sent = run(10_000_000, 1_000_000, 500).length * MSS;
  expect(sent).toBeGreaterThan(9_900_000);
  expect(run(10_000_000, 1_000_000, 5_000).length * MSS).toBeLessThan(9_000_000); // more is not saved up
});

it('lets everything pass where there is no rate, and forgets its debts', () => {
  const pacer = new Pacer(paced);
  pacer.sent(1_000_000, 0 as Instant, 1_000, MSS);
  expect(pacer.delayUntil(0 as Instant)).toBeGreaterThan(0);
  pacer.sent(MSS, 0 as Instant, undefined, MSS);
  expect(pacer.delayUntil(0 as Instant)).toBe(0);
});

it('has a quantum of a millisecond, at least two segments, at most 64 KB [draft-ietf-ccwg-bbr 5.6.3]', () => {
  expect(sendQuantum(10_000_000, MSS)).toBe(10_000);
  expect(sendQuantum(1, MSS)).toBe(2 * MSS);
  expect(sendQuantum(1e9, MSS)).toBe(65_536);
  expect(sendQuantum(undefined, MSS)).toBe(65_536);
});

it('paces at twice the window per round trip in slow start, at 1.2 times in avoidance [Linux tcp_pacing_ss_ratio, tcp_pacing_ca_ratio]', () => {
  const control = new NewReno(settings().tcp);
  control.established(MSS, false, 0 as Instant, undefined);
  const pacer = new Pacer(paced);
  expect(pacer.rate(control, ms(100))).toBe(2 * 100_000);
  control.ssthresh = 10 * MSS;
  expect(pacer.rate(control, ms(100))).toBe(1.2 * 100_000);
  expect(pacer.rate(control, undefined)).toBeUndefined();
  expect(pacer.rate(control, ms(0))).toBeUndefined();
});

it('paces by default what asks for it, and nothing where it is switched off', () => {
  const bbr = new Bbr(settings().tcp, { u32: () => 0 }, new DeliveryRate());
  bbr.established(MSS, false, 0 as Instant, ms(100));
  const reno = new NewReno(settings().tcp);
  const [auto, off] = (['auto', 'off'] as const).map(
    (pacing) => new Pacer(settings({ tcp: { pacing } }).tcp),
  );
  expect(auto?.rate(bbr, ms(100))).toBe(2.77 * 100_000); // InitPacingRate [draft-ietf-ccwg-bbr 5.6.2]
  expect(auto?.rate(reno, ms(100))).toBeUndefined();
  expect(off?.rate(bbr, ms(100))).toBeUndefined();
});
