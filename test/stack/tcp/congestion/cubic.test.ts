import fc from 'fast-check';
import { expect, it } from 'vitest';
import { cubeRoot } from '../../../../stack/tcp/congestion/cube-root.ts';
import { ms, seconds, us } from '../../../../stack/time.ts';
import { Subject } from './subject.ts';

const MSS = 1_000;

/** CUBIC with a window of `segments`, in congestion avoidance after a loss. */
function afterLoss(segments: number): Subject {
  const subject = new Subject('cubic', { abcLimit: 1_000_000 }).open();
  subject.acks(segments - 10).loss();
  subject.control.cwnd = subject.control.ssthresh; // as PRR leaves it
  return subject;
}

/** Acknowledges a full window for each round-trip time, in ACKs for one segment that come evenly, up to `until` seconds from now. */
function keepBusy(subject: Subject, until: number, watch: (t: number) => void): void {
  const from = subject.now;
  for (;;) {
    const segments = Math.max(Math.floor(subject.control.cwnd / MSS), 1);
    const gap = Math.floor(subject.rtt / segments);
    for (let done = 0; done < segments; done++) {
      subject.ack(MSS);
      const t = (subject.now - from) / 1e6;
      watch(t);
      subject.wait(us(gap));
      if (t > until) return;
    }
  }
}

it('follows W_cubic(t) = C (t - K)^3 + W_max through both regions [RFC 9438 4.2, 4.4, 4.5]', () => {
  const subject = afterLoss(1_000);
  subject.rtt = ms(50);
  expect(subject.control.cwnd).toBe(700 * MSS);
  const k = Math.cbrt((1_000 * 0.3) / 0.4);
  const worst = { before: 0, after: 0 };
  keepBusy(subject, 2 * k, (t) => {
    // The window heads for what it will be one round trip later, and needs about one to get there.
    const expected = 0.4 * (t - k) ** 3 + 1_000;
    const off = Math.abs(subject.control.cwnd / MSS - expected) / expected;
    if (t > 0.2) worst[t < k ? 'before' : 'after'] = Math.max(worst[t < k ? 'before' : 'after'], off);
  });
  expect(worst.before).toBeLessThan(0.01);
  expect(worst.after).toBeLessThan(0.01);
  expect(subject.control.cwnd / MSS).toBeGreaterThan(1_290);
});

it('is back at W_max after K seconds [RFC 9438 4.2, figure 2]', () => {
  const subject = afterLoss(1_000).ack(MSS);
  expect(subject.control.details()['k']).toBeCloseTo(Math.cbrt(750), 9);
});

it('grows like Reno does, on average, where that is more: alpha is 9/17 until W_est is back [RFC 9438 4.3]', () => {
  const subject = afterLoss(20); // K = 2.5 s, and a round trip is 2 ms: Reno would be faster
  subject.rtt = ms(2);
  const rounds: number[] = [];
  keepBusy(subject, 0.06, () => rounds.push(subject.control.cwnd));
  // Independently: alpha/cwnd per segment acknowledged; alpha is 1 from cwnd_prior = 20 on.
  let expected = 14;
  for (let acks = 0; acks < rounds.length; acks++) expected += (expected < 20 ? 9 / 17 : 1) / expected;
  expect(expected).toBeGreaterThan(22); // both parts were seen
  expect(subject.control.cwnd / MSS).toBeGreaterThan(expected - 0.1);
  expect(subject.control.cwnd / MSS).toBeLessThan(expected + 0.1);
});

it('lowers W_max if it did not get back to it: fast convergence [RFC 9438 4.7]', () => {
  const subject = afterLoss(100).ack(MSS);
  const { cwnd } = subject.control;
  expect(cwnd).toBeLessThan(71_000);
  subject.loss();
  expect(subject.control.details()['wMax']).toBe(Math.floor((cwnd * 17) / 20)); // (1 + 0.7) / 2
  expect(subject.control.ssthresh).toBe(Math.floor((cwnd * 7) / 10));
});

it('keeps W_max of a window that was larger [RFC 9438 4.7]', () => {
  const subject = afterLoss(100);
  keepBusy(subject, 8, () => undefined);
  const { cwnd } = subject.control;
  expect(cwnd).toBeGreaterThan(100_000);
  subject.loss();
  expect(subject.control.details()['wMax']).toBe(cwnd);
});

it('begins anew at the window it has after a timeout: K is 0 [RFC 9438 4.8]', () => {
  const subject = afterLoss(100).timeout();
  const { ssthresh } = subject.control;
  expect(ssthresh).toBe(49_000);
  subject.acks(48);
  expect(subject.control.details()).toMatchObject({ phase: 'congestion-avoidance', k: undefined });
  subject.ack(MSS);
  expect(subject.control.details()).toMatchObject({ k: 0, wEst: expect.any(Number) });
});

it('does not count the time in which the window was not used [RFC 9438 4.2, 5.8]', () => {
  const busy = afterLoss(100).ack(MSS);
  const idle = afterLoss(100).ack(MSS).ack(MSS, { limited: false }).wait(seconds(60));
  idle.ack(MSS);
  busy.ack(MSS);
  expect(idle.control.cwnd).toBe(busy.control.cwnd);
  const silent = afterLoss(100).ack(MSS).wait(seconds(60)); // nothing was in flight
  silent.control.segmentSent?.(0, silent.now);
  silent.ack(MSS);
  expect(silent.control.cwnd).toBe(busy.control.cwnd);
  const used = afterLoss(100).ack(MSS).wait(seconds(60)).ack(MSS); // while with a used window the cubic has run on
  expect(used.control.cwnd).toBeGreaterThan(busy.control.cwnd);
});

it('goes on where it was when a loss was none [RFC 9438 4.9.2]', () => {
  const subject = afterLoss(100).ack(MSS).wait(seconds(1)).ack(MSS);
  const before = subject.control.details();
  const { cwnd, ssthresh } = subject.control;
  subject.loss();
  expect(subject.control.details()).not.toEqual(before);
  subject.control.cwnd = subject.control.ssthresh;
  subject.control.undo();
  expect(subject.control.details()).toEqual(before);
  expect([subject.control.cwnd, subject.control.ssthresh]).toEqual([cwnd, ssthresh]);
});

it('keeps what it has learnt when the window is larger by now than before the loss that was none [RFC 9438 4.9.2]', () => {
  const subject = afterLoss(100).loss();
  subject.control.cwnd = 200_000;
  const after = subject.control.details();
  subject.control.undo();
  expect(subject.control.details()).toMatchObject({ wMax: after['wMax'], cwndPrior: after['cwndPrior'] });
  expect(subject.control.cwnd).toBe(200_000);
});

it('never aims for more than half as much again [RFC 9438 4.2]', () => {
  const subject = afterLoss(100).ack(MSS).wait(seconds(3_600)).ack(MSS);
  expect(subject.control.cwnd).toBe(70_000 + 500 + 7); // a 70th of 35 segments
});

it('takes the cube root without Math.cbrt, and to its precision [determinism.md 9]', () => {
  fc.assert(
    fc.property(fc.double({ min: 1e-9, max: 1e15, noNaN: true }), (x) => {
      expect(Math.abs(cubeRoot(x) / Math.cbrt(x) - 1)).toBeLessThan(1e-14);
    }),
  );
  expect([0, -1, 1, 8, 27, 1e15].map(cubeRoot)).toEqual([0, 0, 1, 2, 3, 1e5]);
});
