import { describe, expect, it } from 'vitest';
import { transportOf } from '../../device/segmentation.ts';
import { wire, type WireOptions } from '../../device/wire.ts';
import { seededRandom } from '../../sim/random.ts';
import { VirtualClock } from '../../sim/virtual-clock.ts';
import { checksum, fold, pseudoHeaderSum } from '../../stack/bytes/checksum.ts';
import { PacketBuffer } from '../../stack/bytes/packet-buffer.ts';
import type { Device, DeviceReceiver, Offloads } from '../../stack/link/device.ts';
import { ms, us, type Instant } from '../../stack/time.ts';
import { ipv4 } from '../../stack/wire/address.ts';

const at = (microseconds: number): Instant => microseconds as Instant;
const ALL: Offloads = { checksum: true, tso4: true, tso6: true };
const SOURCE = ipv4(10, 0, 0, 1);
const DESTINATION = ipv4(10, 0, 0, 2);

/** A frame that says `text`. */
function frame(text: string): PacketBuffer {
  return PacketBuffer.copyOf(new TextEncoder().encode(text), 8);
}

function textOf(packet: PacketBuffer): string {
  return new TextDecoder().decode(packet.contents());
}

/** An IPv4 TCP segment with `payload` bytes and a partial checksum. */
function segment(payload: number, segmentSize: number): PacketBuffer {
  const packet = PacketBuffer.allocate(40 + payload);
  packet.tail = 40 + payload;
  const { view, bytes } = packet;
  view.setUint16(0, 0x4500);
  view.setUint16(2, 40 + payload);
  view.setUint16(8, 0x4006);
  view.setUint32(12, SOURCE);
  view.setUint32(16, DESTINATION);
  view.setUint16(10, checksum(bytes, 0, 20));
  view.setUint16(32, 0x5010);
  for (let index = 40; index < packet.tail; index++) bytes[index] = index & 0xff;
  view.setUint16(36, fold(pseudoHeaderSum(SOURCE, DESTINATION, 6, 20 + payload)));
  packet.checksum = 'partial';
  packet.segmentSize = segmentSize;
  return packet;
}

/** What arrived: `batches[i]` is the texts of one delivery. */
function listen(device: Device, clock: VirtualClock): { batches: string[][]; times: number[] } {
  const heard: { batches: string[][]; times: number[] } = { batches: [], times: [] };
  device.attach({
    framesArrived: (frames) => {
      heard.batches.push(frames.map(textOf));
      heard.times.push(clock.now());
    },
    deviceClosed: () => undefined,
  });
  return heard;
}

function world(options: WireOptions = {}): {
  clock: VirtualClock;
  a: Device;
  b: Device;
  heard: { batches: string[][]; times: number[] };
} {
  const clock = new VirtualClock({ start: at(1000) });
  const [a, b] = wire(clock, options);
  return { clock, a, b, heard: listen(b, clock) };
}

describe('the wire', () => {
  it('carries all frames of a turn to the other end as one batch, in order, after the turn', () => {
    const { clock, a, heard } = world();
    expect(a.transmit([frame('one'), frame('two')])).toBe(2);
    expect(a.transmit([frame('three')])).toBe(1);
    expect(heard.batches).toEqual([]);
    clock.run();
    expect(heard).toEqual({ batches: [['one', 'two', 'three']], times: [1000] });
  });

  it('copies the bytes, so that the sender may use its memory again', () => {
    const { clock, a, heard } = world();
    const mine = frame('before');
    a.transmit([mine]);
    mine.bytes.fill(0);
    clock.run();
    expect(heard.batches).toEqual([['before']]);
  });

  it('carries both ways at a time and has two delays', () => {
    const clock = new VirtualClock();
    const [a, b] = wire(clock, { delay: { 'a→b': ms(10), 'b→a': ms(3) } });
    const heardByA = listen(a, clock);
    const heardByB = listen(b, clock);
    a.transmit([frame('ping')]);
    b.transmit([frame('pong')]);
    clock.run();
    expect(heardByB).toEqual({ batches: [['ping']], times: [10_000] });
    expect(heardByA).toEqual({ batches: [['pong']], times: [3_000] });
  });

  it('delivers after the delay what was sent at different times at different times', () => {
    const { clock, a, heard } = world({ delay: us(50) });
    clock.at(at(1000), () => a.transmit([frame('a')]));
    clock.at(at(1000), () => a.transmit([frame('b')]));
    clock.at(at(1020), () => a.transmit([frame('c')]));
    clock.at(at(1200), () => a.transmit([frame('d')]));
    clock.run();
    expect(heard).toEqual({ batches: [['a', 'b'], ['c'], ['d']], times: [1050, 1070, 1250] });
  });

  it('lets a receiver answer from within the delivery', () => {
    const clock = new VirtualClock();
    const [a, b] = wire(clock);
    const answers = listen(a, clock);
    const echo: DeviceReceiver = {
      framesArrived: (frames) => void b.transmit(frames),
      deviceClosed: () => undefined,
    };
    b.attach(echo);
    a.transmit([frame('x'), frame('y')]);
    clock.run();
    expect(answers.batches).toEqual([['x', 'y']]);
  });

  it('keeps every byte of many frames on their way, in any pattern of sizes and times', () => {
    const { clock, a, heard } = world({ delay: ms(5) });
    const random = seededRandom('wire');
    const sent: string[] = [];
    for (let turn = 0; turn < 400; turn++) {
      const frames = Array.from({ length: random.u32() % 20 }, (_, index) =>
        `${turn}.${index} `.padEnd(random.u32() % 1500, 'x').slice(0, 1500),
      );
      sent.push(...frames);
      clock.at(at(1000 + turn * 100), () => a.transmit(frames.map(frame)));
    }
    clock.run();
    expect(heard.batches.flat()).toEqual(sent);
  });

  it('loses what is sent to an end that nobody is attached to, or that was closed', () => {
    const clock = new VirtualClock();
    const [a, b] = wire(clock);
    expect(a.transmit([frame('lost')])).toBe(1);
    clock.run();
    const heard = listen(b, clock);
    a.transmit([frame('on its way')]);
    b.close();
    b.close();
    clock.run();
    expect(heard.batches).toEqual([]);
    expect(b.transmit([frame('from a closed end')])).toBe(1);
    expect(clock.pending).toBe(0);
    expect(() => listen(b, clock)).toThrow('device b is closed');
    listen(a, clock);
    expect(() => listen(a, clock)).toThrow('device a has a receiver already');
  });

  it('refuses frames beyond its queue and says when there is room again', () => {
    const { clock, a, heard } = world({ queue: 3, delay: us(5) });
    let rooms = 0;
    a.onWritable = () => {
      rooms += 1;
    };
    expect(a.receiveQueue).toBe(3);
    expect(a.transmit(['1', '2', '3', '4', '5'].map(frame))).toBe(3);
    expect(a.transmit(['4'].map(frame))).toBe(0);
    clock.run();
    expect(rooms).toBe(1);
    expect(a.transmit(['4', '5'].map(frame))).toBe(2);
    clock.run();
    expect(rooms).toBe(1);
    expect(heard.batches).toEqual([
      ['1', '2', '3'],
      ['4', '5'],
    ]);
  });

  it('shows what it is, and refuses a frame that is too long for it', () => {
    const [a, b] = wire(new VirtualClock(), { names: ['left', 'right'], mtu: 100, medium: 'ethernet' });
    expect([a.name, b.name, a.mtu, b.medium, a.headroom]).toEqual(['left', 'right', 100, 'ethernet', 0]);
    expect(a.receiveQueue).toBeUndefined();
    expect(a.offloads).toEqual({ checksum: false, tso4: false, tso6: false });
    expect(() => a.transmit([frame('x'.repeat(123))])).toThrow('a frame of 123 bytes is too long');
    expect(a.transmit([frame('x'.repeat(114))])).toBe(1);
  });
});

describe("the wire's offloads", () => {
  /** What arrives when `packet` is sent. */
  function across(packet: PacketBuffer, offloads?: Offloads): PacketBuffer[] {
    const clock = new VirtualClock();
    const [a, b] = wire(clock, offloads === undefined ? {} : { offloads });
    const found: PacketBuffer[] = [];
    b.attach({
      framesArrived: (frames) => {
        for (const got of frames) {
          const kept = PacketBuffer.copyOf(got.contents());
          kept.checksum = got.checksum;
          kept.segmentSize = got.segmentSize;
          found.push(kept);
        }
      },
      deviceClosed: () => undefined,
    });
    a.transmit([packet]);
    clock.run();
    return found;
  }

  /** 0 for a right TCP checksum. */
  function residue(packet: PacketBuffer): number {
    const pseudo = pseudoHeaderSum(SOURCE, DESTINATION, 6, packet.length - 20);
    return checksum(packet.bytes, packet.head + 20, packet.tail, pseudo);
  }

  it('without them, cuts a super-segment and finishes every checksum', () => {
    const found = across(segment(3000, 1460));
    expect(found.map((packet) => packet.length)).toEqual([1500, 1500, 120]);
    expect(found.map((packet) => packet.view.getUint32(24))).toEqual([0, 1460, 2920]);
    expect(found.map((packet) => [packet.checksum, packet.segmentSize, residue(packet)])).toEqual(
      found.map(() => ['complete', 0, 0]),
    );
  });

  it('without them, finishes the partial checksum of an ordinary segment', () => {
    const [packet] = across(segment(100, 0));
    expect(packet === undefined ? undefined : [packet.checksum, residue(packet)]).toEqual(['complete', 0]);
  });

  it('with them, carries a super-segment uncut with its checksum partial', () => {
    const found = across(segment(3000, 1460), ALL);
    expect(found.map((p) => [p.length, p.segmentSize, p.checksum])).toEqual([[3040, 1460, 'partial']]);
  });

  it('with them for IPv6 only, cuts IPv4', () => {
    const found = across(segment(3000, 1460), { checksum: true, tso4: false, tso6: true });
    expect(found).toHaveLength(3);
    expect(found.every((packet) => transportOf(packet, 'ip')?.version === 4)).toBe(true);
  });
});
