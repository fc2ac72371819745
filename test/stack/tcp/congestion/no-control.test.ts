import { expect, it } from 'vitest';
import { Subject } from './subject.ts';

it('`none` leaves the window as large as any peer may offer, whatever happens [RFC 7323 2.3]', () => {
  const subject = new Subject('none').open();
  const whole = 65_535 * 2 ** 14;
  expect([subject.control.cwnd, subject.control.ssthresh]).toEqual([whole, whole]);
  subject.loss(10_000).timeout(10_000).acks(5);
  subject.control.duplicateAck();
  subject.control.partialAck(1_000);
  subject.control.exitRecovery(1_000);
  subject.control.undo();
  expect([subject.control.cwnd, subject.control.ssthresh]).toEqual([whole, whole]);
  expect(subject.control.ownsWindow).toBe(true); // PRR must not lower it
});
