import { describe, expect, it } from 'vitest';
import { type Circumstances, onlyBackedOff, Progress, stallTrouble, worstStall } from '../../interop/gaps.ts';

const steady: Circumstances = { rto: [[0, 200]], pauses: [], losses: [] };

describe("a receiver's progress", () => {
  it('has a gap between two arrivals, and before the first one', () => {
    const progress = new Progress(1_000);
    for (const at of [1_050, 1_051, 1_052, 1_400]) progress.moved(at);
    expect(progress.gaps).toEqual([
      [1_052, 1_400],
      [1_000, 1_050],
    ]);
  });

  it('keeps the longest gaps of many', () => {
    const progress = new Progress(0);
    let at = 0;
    for (let length = 10; length <= 200; length += 1) progress.moved((at += length));
    expect(progress.gaps.map(([from, to]) => to - from)).toEqual([200, 199, 198, 197, 196, 195, 194, 193]);
  });
});

describe('a stall', () => {
  it('is measured in RTOs of the moment when it began', () => {
    const rto = [
      [0, 1_000],
      [500, 200],
      [900, 400],
    ] as const;
    const stall = worstStall([[600, 1_600]], { ...steady, rto });
    expect(stall).toMatchObject({ ms: 1_000, rto: 200, rtos: 5, backedOff: 2.5 });
  });

  it('is the worst in RTOs, not in milliseconds', () => {
    const rto = [
      [0, 1_000],
      [2_500, 200],
    ] as const;
    const gaps = [
      [0, 2_000],
      [3_000, 3_900],
    ] as const;
    expect(worstStall(gaps, { ...steady, rto })).toMatchObject({ ms: 900, rtos: 4.5 });
  });

  it('of more than three RTOs is a fault', () => {
    expect(stallTrouble(worstStall([[0, 600]], steady))).toBeUndefined();
    expect(stallTrouble(worstStall([[0, 620]], steady))).toBe('620 ms without progress, 3.1 RTOs');
  });

  it('is no fault if a retransmission was lost and the sender backed off', () => {
    const rto = [
      [0, 200],
      [210, 400],
      [610, 800],
    ] as const;
    const stall = worstStall([[0, 1_400]], { ...steady, rto, losses: [205] });
    expect(stall).toMatchObject({ rtos: 7, backedOff: 1.75, lost: 1 });
    expect(onlyBackedOff(stall)).toBe(true);
    expect(stallTrouble(stall)).toBeUndefined();
  });

  it('is a fault if the sender backed off though nothing was lost', () => {
    const rto = [
      [0, 200],
      [210, 400],
      [610, 800],
    ] as const;
    const stall = worstStall([[0, 1_400]], { ...steady, rto, losses: [2_000] });
    expect(stallTrouble(stall)).toBe('1400 ms without progress, 7.0 RTOs');
  });

  it('does not count the time in which the machine did not let us run', () => {
    const pauses = [
      [100, 300],
      [500, 700],
      [800, 1_000],
    ] as const;
    const stall = worstStall([[0, 900]], { ...steady, pauses });
    expect(stall).toMatchObject({ ms: 900, rtos: 2, pause: 500 });
  });
});
