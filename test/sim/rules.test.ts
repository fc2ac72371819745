import { describe, expect, it } from 'vitest';
import { delayFrames, dropFrames, dropWhen, duplicateFrames, rules } from '../../sim/rules.ts';
import { VirtualClock } from '../../sim/virtual-clock.ts';
import { wire, type WireOptions } from '../../device/wire.ts';
import { PacketBuffer } from '../../stack/bytes/packet-buffer.ts';
import { us, type Instant } from '../../stack/time.ts';

/** Sends one-byte frames 0, 1, 2 … from a to b, one each 10 µs; gives what arrived, as `byte@time`. */
function sent(count: number, onFrame: WireOptions['onFrame'], eachTurn?: (turn: number) => void): string[] {
  const clock = new VirtualClock();
  const [a, b] = wire(clock, { delay: us(100), ...(onFrame === undefined ? {} : { onFrame }) });
  const arrived: string[] = [];
  b.attach({
    framesArrived: (frames) => {
      for (const { bytes, head } of frames) arrived.push(`${bytes[head]}@${clock.now()}`);
    },
    deviceClosed: () => undefined,
  });
  for (let turn = 0; turn < count; turn++) {
    clock.at((turn * 10) as Instant, () => {
      eachTurn?.(turn);
      a.transmit([PacketBuffer.copyOf(Uint8Array.of(turn))]);
    });
  }
  clock.run();
  return arrived;
}

describe('rules over frames', () => {
  it('drops the frames it names, in its direction only', () => {
    const lost = dropFrames('a→b', [1, 3]);
    const other = dropFrames('b→a', [0]);
    expect(sent(5, rules(lost, other))).toEqual(['0@100', '2@120', '4@140']);
    lost.assertFired();
    lost.assertFired(2);
    expect(() => other.assertFired()).toThrow('the fault "drop b→a #0" fired 0 times, expected at least 1');
  });

  it('has not fired unless each of the frames came', () => {
    const lost = dropFrames('a→b', [1, 9]);
    sent(5, rules(lost));
    expect(lost.fired).toBe(1);
    expect(() => lost.assertFired()).toThrow('fired 1 times, expected 2');
  });

  it('cannot pass for a fault without indices', () => {
    expect(() => dropFrames('a→b', []).assertFired()).toThrow('fired 0 times');
  });

  it('delays a frame past later ones, and lets it arrive before what is sent after it comes', () => {
    const late = delayFrames('a→b', [1], us(20));
    expect(sent(5, rules(late))).toEqual(['0@100', '2@120', '1@130', '3@130', '4@140']);
    late.assertFired(1);
  });

  it('duplicates a frame', () => {
    const twice = duplicateFrames('a→b', [0]);
    expect(sent(2, rules(twice))).toEqual(['0@100', '0@100', '1@110']);
    twice.assertFired();
  });

  it('stops when lifted', () => {
    const dark = dropWhen('darkness', () => true);
    const arrived = sent(4, rules(dark), (turn) => {
      if (turn === 2) dark.lift();
    });
    expect(arrived).toEqual(['2@120', '3@130']);
    dark.assertFired(2);
  });

  it('lets the first rule decide that does not let pass', () => {
    const lost = dropFrames('a→b', [0]);
    const late = delayFrames('a→b', [0, 1], us(5));
    expect(sent(2, rules(lost, late))).toEqual(['1@115']);
    expect(late.fired).toBe(1);
  });

  it('may change the bytes on the wire', () => {
    const seen = sent(2, ({ packet }) => {
      packet.view.setUint8(packet.head, packet.view.getUint8(packet.head) + 40);
      return 'pass';
    });
    expect(seen).toEqual(['40@100', '41@110']);
  });

  it('refuses a delay that would make a frame arrive before it was sent', () => {
    expect(() => sent(1, () => ({ delay: us(-101) }))).toThrow('cannot arrive 1 µs before it was sent');
    expect(sent(1, () => ({ delay: us(-100), duplicate: 1 }))).toEqual(['0@0', '0@0']);
  });
});
