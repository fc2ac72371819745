import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type CaptureFrame, CaptureError, ipPacketOf, readCapture } from '../../trace/capture-reader.ts';

const LOST = new Uint8Array(readFileSync(new URL('../../captures/lost-segment.pcapng', import.meta.url)));
const IP = [0x45, 0, 0, 20, ...Array.from({ length: 16 }, () => 0)];

/** Numbers of 4 bytes, `[number]` of 2, and bytes as they are. */
function bytesOf(little: boolean, ...parts: readonly (number | [number] | Uint8Array)[]): Uint8Array {
  return Uint8Array.from(
    parts.flatMap((part) => {
      if (part instanceof Uint8Array) return [...part];
      const view = new DataView(new ArrayBuffer(typeof part === 'number' ? 4 : 2));
      if (typeof part === 'number') view.setUint32(0, part, little);
      else view.setUint16(0, part[0], little);
      return [...new Uint8Array(view.buffer)];
    }),
  );
}

function pcap(little: boolean, magic: number, fraction: number): Uint8Array {
  const packet = Uint8Array.from(IP);
  return bytesOf(little, magic, [2], [4], 0, 0, 65535, 101, 7, fraction, packet.length, 60, packet);
}

function frameOf(linkType: number, ...head: readonly number[]): CaptureFrame {
  const bytes = Uint8Array.from([...head, ...IP]);
  const nothing = { number: 1, time: 0n, direction: undefined, comments: [] };
  return { ...nothing, linkType, bytes, originalLength: bytes.length };
}

/** The error's offset. */
function offsetOf(bytes: Uint8Array): number | undefined {
  try {
    readCapture(bytes);
  } catch (error) {
    if (error instanceof CaptureError) return error.offset;
    throw error;
  }
  return -1;
}

describe('readCapture', () => {
  it.each([true, false])('pcap, little endian %s, µs and ns', (little) => {
    const [micro] = readCapture(pcap(little, 0xa1b2c3d4, 5)).frames;
    expect(micro).toMatchObject({ number: 1, time: 7_000_005_000n, linkType: 101, originalLength: 60 });
    expect(micro?.bytes).toEqual(Uint8Array.from(IP));
    const [nano] = readCapture(pcap(little, 0xa1b23c4d, 5)).frames;
    expect(nano?.time).toBe(7_000_000_005n);
  });

  it('pcapng of ours: times, directions, comments', () => {
    const { format, frames, cutShortAt } = readCapture(LOST);
    expect({ format, count: frames.length, cutShortAt }).toEqual({
      format: 'pcapng',
      count: 19,
      cutShortAt: undefined,
    });
    expect(frames.slice(0, 2).map(({ direction }) => direction)).toEqual(['in', 'out']);
    expect((frames[2]?.time ?? 0n) - (frames[1]?.time ?? 0n)).toBe(40_000_000n);
    expect(frames.some(({ comments }) => comments.length > 0)).toBe(true);
  });

  it.each([true, false])(
    'pcapng, little endian %s: other resolutions, simple and obsolete packets',
    (little) => {
      const packet = Uint8Array.from(IP);
      const one = Uint8Array.from([0x83, 0, 0, 0]); // 2^-3 s
      const file = bytesOf(
        little,
        ...[0x0a0d0d0a, 28, 0x1a2b3c4d, [1] as [number], [0] as [number], 0xffffffff, 0xffffffff, 28],
        ...[1, 32, [101] as [number], [0] as [number], 0, [9] as [number], [1] as [number], one, 0, 32],
        ...[6, 52, 0, 0, 12, 20, 20, packet, 52],
        ...[3, 36, 20, packet, 36],
        ...[2, 52, [0] as [number], [0] as [number], 0, 20, 20, 20, packet, 52],
        ...[0xbad, 12, 12],
      );
      expect(readCapture(file).frames.map(({ time, bytes }) => [time, bytes.length])).toEqual([
        [1_500_000_000n, 20],
        [undefined, 20],
        [2_500_000_000n, 20],
      ]);
    },
  );

  it('a file that ends inside a packet: what is before it, and where', () => {
    const cut = readCapture(LOST.subarray(0, LOST.length - 5));
    expect(cut.frames.length).toBe(18);
    expect(cut.cutShortAt).toBeGreaterThan(0);
    expect(readCapture(pcap(true, 0xa1b2c3d4, 0).subarray(0, 50)).cutShortAt).toBe(24);
  });

  it('bad input: where', () => {
    expect(offsetOf(new Uint8Array(0))).toBe(0);
    expect(() => readCapture(new TextEncoder().encode('GET / HTTP/1.1'))).toThrow(/47455420.*at byte 0/);
    const long = pcap(true, 0xa1b2c3d4, 0);
    long[35] = 0xff;
    expect(offsetOf(long)).toBe(32);
    const block = LOST.slice();
    block[4] = 13;
    expect(offsetOf(block)).toBe(4);
    const trailer = LOST.slice();
    trailer[(LOST[4] ?? 0) - 4] = 99;
    expect(offsetOf(trailer)).toBe((LOST[4] ?? 0) - 4);
  });

  it('whatever the bytes, only its own error', () => {
    for (let at = 0; at < 400; at++) {
      for (const value of [0, 1, 0x7f, 0xff]) {
        const bytes = LOST.slice(0, 600);
        bytes[at] = value;
        expect(() => offsetOf(bytes)).not.toThrow();
      }
    }
  });
});

describe('ipPacketOf', () => {
  const mac = Array.from({ length: 12 }, () => 1);
  it.each<[string, CaptureFrame]>([
    ['RAW', frameOf(101)],
    ['NULL', frameOf(0, 2, 0, 0, 0)],
    ['LOOP', frameOf(108, 0, 0, 0, 2)],
    ['Ethernet', frameOf(1, ...mac, 8, 0)],
    ['802.1Q in 802.1ad', frameOf(1, ...mac, 0x88, 0xa8, 0, 1, 0x81, 0, 0, 2, 8, 0)],
    ['Linux cooked', frameOf(113, ...mac, 0, 0, 8, 0)],
    ['Linux cooked 2', frameOf(276, 8, 0, ...mac, 0, 0, 0, 0, 0, 0)],
  ])('%s', (_, frame) => {
    expect(ipPacketOf(frame)).toEqual(Uint8Array.from(IP));
  });

  it('not IP, not known, too short', () => {
    expect(ipPacketOf(frameOf(1, ...mac, 8, 6))).toBeUndefined();
    expect(ipPacketOf(frameOf(147))).toBeUndefined();
    expect(ipPacketOf({ ...frameOf(1), bytes: new Uint8Array(3) })).toBeUndefined();
  });
});
