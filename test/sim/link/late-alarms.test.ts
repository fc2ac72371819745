import { expect, it } from 'vitest';
import { Lane } from '../../../sim/link/lane.ts';
import { FaultPlan } from '../../../sim/plan.ts';
import { VirtualClock } from '../../../sim/virtual-clock.ts';
import { PacketBuffer } from '../../../stack/bytes/packet-buffer.ts';
import { type Scheduler, after, ms, us } from '../../../stack/time.ts';

/** A clock as a busy system's: each alarm goes off 0.9 ms too late. */
function lateAlarms(clock: VirtualClock): Scheduler {
  return {
    now: () => clock.now(),
    soon: (task) => clock.soon(task),
    alarm: (task) => {
      const alarm = clock.alarm(task);
      return { ...alarm, set: (at) => alarm.set(after(at, us(900))) };
    },
  };
}

it('a link keeps its rate although the alarms of a real clock are late: what waited begins when the link was free', () => {
  const clock = new VirtualClock();
  const world = { scheduler: lateAlarms(clock), seed: 1, plan: new FaultPlan(), emit: () => undefined };
  const lane = new Lane(world, 'l', 'a→b', 'ip', [], { rate: { bitsPerSecond: 8_000_000 } });
  let arrived = 0;
  let last = 0;
  lane.receiver = {
    framesArrived: (frames) => {
      arrived += frames.length;
      last = clock.now();
    },
    deviceClosed: () => undefined,
  };
  for (let packet = 0; packet < 100; packet++) lane.transmit(PacketBuffer.copyOf(new Uint8Array(1_000)));
  while (clock.step());
  expect(arrived).toBe(100);
  expect(last).toBeGreaterThanOrEqual(ms(100));
  expect(last).toBeLessThan(ms(103)); // it was 190 ms
});
