/**
 * What the browser test runs in a bare context: no Buffer, no process, no console, no timers. It returns what the test checks.
 */
import { VirtualClock, dropFrames, rules, seededRandom, wire } from '../../sim/sim.ts';
import { PacketBuffer } from '../../stack/bytes/packet-buffer.ts';
import { ms } from '../../stack/time.ts';

/** What happened, for comparison with the same run in Node. */
export interface Outcome {
  readonly frames: string[];
  readonly random: number[];
}

export function run(): Outcome {
  return { frames: frameExchange(), random: drawn() };
}

/** Frames over the wire: one lost, the others on time. */
function frameExchange(): string[] {
  const clock = new VirtualClock();
  const lost = dropFrames('a→b', [1]);
  const [a, b] = wire(clock, { delay: ms(10), onFrame: rules(lost) });
  const arrived: string[] = [];
  b.attach({
    framesArrived: (frames) => {
      for (const { bytes, head, length } of frames)
        arrived.push(`${length} bytes, first ${bytes[head]}, at ${clock.now()}`);
    },
    deviceClosed: () => undefined,
  });
  a.transmit([1, 2, 3].map((first) => PacketBuffer.copyOf(Uint8Array.of(first, 0, 0, 0))));
  clock.run();
  lost.assertFired();
  return arrived;
}

function drawn(): number[] {
  const random = seededRandom('browser', 'test');
  return [random.u32(), random.u32(), random.u32()];
}

// The place for a TCP exchange between two hosts over `wire`: a function like `frameExchange`, its result in `Outcome`.
