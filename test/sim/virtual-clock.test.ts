import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { VirtualClock } from '../../sim/virtual-clock.ts';
import { NEVER, type Alarm, type Instant } from '../../stack/time.ts';

const at = (microseconds: number): Instant => microseconds as Instant;

describe('the virtual clock', () => {
  it('runs events in order of their instants, whatever the order they were scheduled in', () => {
    const clock = new VirtualClock();
    const seen: number[] = [];
    for (const when of [30, 10, 20]) clock.at(at(when), () => seen.push(clock.now()));
    clock.run();
    expect(seen).toEqual([10, 20, 30]);
    expect(clock.pending).toBe(0);
  });

  it('runs events of one instant first in, first out, alarms and soon among them', () => {
    const clock = new VirtualClock();
    const seen: string[] = [];
    clock.alarm(() => seen.push('alarm')).set(at(0));
    clock.soon(() => {
      seen.push('first');
      clock.soon(() => seen.push('last'));
    });
    clock.at(at(0), () => seen.push('second'));
    clock.run();
    expect(seen).toEqual(['alarm', 'first', 'second', 'last']);
    expect(clock.now()).toBe(0);
  });

  it('agrees with a sorted list for any schedule, with alarms moved and cleared', () => {
    const step = fc.record({ alarm: fc.nat(9), at: fc.oneof(fc.nat(20), fc.constant(undefined)) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const clock = new VirtualClock();
        const seen: number[] = [];
        const alarms = Array.from({ length: 10 }, (_, index) => clock.alarm(() => seen.push(index)));
        const expected = new Map<number, number>();
        for (const { alarm, at: when } of steps) {
          if (when === undefined) alarms[alarm]?.clear();
          else alarms[alarm]?.set(at(when));
          // Set to the same instant again it keeps its turn; else it goes to the end.
          if (expected.get(alarm) === when) continue;
          expected.delete(alarm);
          if (when !== undefined) expected.set(alarm, when);
        }
        expect(clock.pending).toBe(expected.size);
        clock.run();
        expect(seen).toEqual([...expected].toSorted((a, b) => a[1] - b[1]).map(([alarm]) => alarm));
      }),
    );
  });

  it('stands at the given instant when events are left after it', () => {
    const clock = new VirtualClock();
    const seen: number[] = [];
    for (const when of [5, 10, 11]) clock.at(at(when), () => seen.push(when));
    clock.run(at(10));
    expect(seen).toEqual([5, 10]);
    expect(clock.now()).toBe(10);
    expect(clock.nextEvent).toBe(11);
  });

  it('stands at the last event when none is left, and where it is told to with advanceTo', () => {
    const clock = new VirtualClock({ start: at(3) });
    clock.at(at(5), () => undefined);
    clock.run(at(10));
    expect(clock.now()).toBe(5);
    clock.advanceTo(at(10));
    expect(clock.now()).toBe(10);
    expect(() => clock.advanceTo(at(9))).toThrow('time cannot move from 10 µs to 9 µs');
  });

  it('takes one step at a time', () => {
    const clock = new VirtualClock();
    clock.at(at(7), () => undefined);
    expect(clock.step()).toBe(true);
    expect(clock.now()).toBe(7);
    expect(clock.step()).toBe(false);
  });

  it('runs what was to happen in the past now', () => {
    const clock = new VirtualClock({ start: at(100) });
    const seen: number[] = [];
    clock.at(at(1), () => seen.push(clock.now()));
    clock.run();
    expect(seen).toEqual([100]);
  });

  it('lets an alarm set itself again, and forget with NEVER', () => {
    const clock = new VirtualClock();
    const seen: number[] = [];
    const alarm: Alarm = clock.alarm(() => {
      seen.push(clock.now());
      alarm.set(seen.length < 3 ? at(clock.now() + 10) : NEVER);
    });
    alarm.set(at(10));
    clock.run();
    expect(seen).toEqual([10, 20, 30]);
    alarm.set(at(40));
    alarm.set(NEVER);
    expect(clock.pending).toBe(0);
  });

  it('ends a program that never moves on, saying where and what to do', () => {
    const clock = new VirtualClock({ maxEventsPerInstant: 100 });
    const again = (): void => clock.soon(again);
    clock.soon(again);
    expect(() => clock.run()).toThrow(/100 events at one instant: taken for an endless loop at 0 µs/);
  });

  it('ends a program whose timers never end', () => {
    const clock = new VirtualClock({ maxEvents: 100 });
    const alarm: Alarm = clock.alarm(() => alarm.set(at(clock.now() + 1)));
    alarm.set(at(1));
    expect(() => clock.run()).toThrow(/100 events in one run/);
  });

  it('refuses to be run from within, and goes on after an event that threw', () => {
    const clock = new VirtualClock();
    const seen: number[] = [];
    clock.at(at(1), () => clock.run());
    clock.at(at(2), () => seen.push(2));
    expect(() => clock.run()).toThrow('an event must not run the clock');
    clock.run();
    expect(seen).toEqual([2]);
    expect(() => clock.at(at(Number.NaN), () => undefined)).toThrow('NaN');
  });
});
