import { describe, expect, it } from 'vitest';
import { add } from '../../../../stack/tcp/sequence.ts';
import { type Duration, ms, us } from '../../../../stack/time.ts';
import { Path } from './path.ts';
import { type Algorithm, Subject } from './subject.ts';

const MSS = 1_000;

/** A round of slow start: `samples` ACKs for one segment, each with `rtt`, the last of which ends the round. */
function round(subject: Subject, rtt: Duration, samples: number = 10): number {
  const before = subject.control.cwnd;
  subject.rtt = rtt;
  const end = add(subject.una, 10 * MSS);
  for (let done = 1; done <= samples; done++) {
    subject.ack(MSS, { seqSent: done < 10 ? end : add(end, 10 * MSS) });
  }
  return subject.control.cwnd - before;
}

function slowStart(algorithm: Algorithm, initialSsthresh: number = 0x3fffffff): Subject {
  const subject = new Subject(algorithm, { hystart: true, initialSsthresh }).open();
  round(subject, ms(100));
  return subject;
}

describe.each<Algorithm>(['newreno', 'cubic'])('%s with HyStart++', (algorithm) => {
  it('goes on in slow start while the round-trip time is steady [RFC 9406 4.2]', () => {
    const subject = slowStart(algorithm);
    for (let rounds = 0; rounds < 10; rounds++) expect(round(subject, ms(105))).toBe(10 * MSS);
    expect(subject.control.details()['phase']).toBe('slow-start');
  });

  it('grows a quarter as fast once a round takes an eighth longer [RFC 9406 4.2, 4.3]', () => {
    const subject = slowStart(algorithm);
    round(subject, ms(113)); // the eighth sample of it tells: threshold 12.5 ms
    expect(subject.control.details()['phase']).toBe('conservative-slow-start');
    expect(round(subject, ms(113))).toBe((10 * MSS) / 4);
  });

  it.each([
    [ms(8), ms(11), ms(12)], // MIN_RTT_THRESH: 4 ms
    [ms(100), us(112_499), us(112_500)], // an eighth
    [ms(400), ms(415), ms(416)], // MAX_RTT_THRESH: 16 ms
  ])('has its threshold between 4 and 16 ms: at a round trip of %i us [RFC 9406 4.3]', (base, below, at) => {
    for (const [rtt, phase] of [
      [below, 'slow-start'],
      [at, 'conservative-slow-start'],
    ] as const) {
      const subject = new Subject(algorithm, { hystart: true }).open();
      round(subject, base);
      round(subject, rtt);
      expect(subject.control.details()['phase']).toBe(phase);
    }
  });

  it('wants eight measurements in a round [RFC 9406 4.3]', () => {
    const subject = slowStart(algorithm);
    round(subject, ms(200), 7);
    expect(subject.control.details()['phase']).toBe('slow-start');
  });

  it('resumes slow start when the delay goes back [RFC 9406 4.2]', () => {
    const subject = slowStart(algorithm);
    round(subject, ms(150));
    round(subject, ms(100));
    expect(subject.control.details()['phase']).toBe('slow-start');
    expect(round(subject, ms(100))).toBe(10 * MSS);
  });

  it('ends slow start after five conservative rounds, the first one being a part of one [RFC 9406 4.2, 4.3]', () => {
    const subject = slowStart(algorithm);
    for (let rounds = 0; rounds < 5; rounds++) {
      expect(subject.control.ssthresh).toBe(0x3fffffff);
      round(subject, ms(150));
    }
    expect(subject.control.ssthresh).toBe(subject.control.cwnd);
    expect(subject.control.details()['phase']).toBe('congestion-avoidance');
  });

  it('leaves later slow starts alone [RFC 9406 4.3]', () => {
    const subject = slowStart(algorithm).timeout(100 * MSS);
    round(subject, ms(100));
    round(subject, ms(200));
    expect(round(subject, ms(200))).toBe(10 * MSS);
  });

  it('loses less than half as much in slow start, and is no slower [RFC 9406 1]', () => {
    const shape = { rate: 12_500_000, rtt: ms(40), buffer: 500_000 };
    const [plain, careful] = [false, true].map((hystart) => {
      const path = new Path(shape, { congestion: algorithm, hystart });
      path.run(ms(1_500));
      return { lost: path.retransmissions, goodput: path.goodput };
    });
    expect(plain?.lost).toBeGreaterThan(900);
    expect(careful?.lost).toBeLessThan((plain?.lost ?? 0) / 2);
    expect(careful?.goodput).toBeGreaterThan((plain?.goodput ?? 0) * 0.98);
  });
});
