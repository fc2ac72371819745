import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { completeChecksum, segments, transportOf } from '../../device/segmentation.ts';
import { checksum, fold, pseudoHeaderSum, sum } from '../../stack/bytes/checksum.ts';
import { PacketArena, PacketBuffer } from '../../stack/bytes/packet-buffer.ts';
import { ipv4 } from '../../stack/wire/address.ts';

const SOURCE = ipv4(10, 0, 0, 1);
const DESTINATION = ipv4(10, 0, 0, 2);
const FIN = 0x01;
const PSH = 0x08;
const ACK = 0x10;
const CWR = 0x80;

interface Shape {
  readonly version: 4 | 6;
  readonly medium: 'ip' | 'ethernet';
  readonly tags: number;
  readonly optionWords: number;
  readonly flags: number;
  readonly seq: number;
  readonly identification: number;
  readonly payload: Uint8Array;
  readonly segmentSize: number;
  readonly protocol: 6 | 17;
  readonly headroom: number;
}

const PLAIN: Shape = {
  version: 4,
  medium: 'ip',
  tags: 0,
  optionWords: 0,
  flags: ACK | PSH,
  seq: 1,
  identification: 7,
  payload: new Uint8Array(0),
  segmentSize: 0,
  protocol: 6,
  headroom: 0,
};

/** A packet with only the pseudo-header's sum in its checksum field, as the stack hands it to a device with offloads. */
function build(shape: Shape): PacketBuffer {
  const link = shape.medium === 'ip' ? 0 : 14 + 4 * shape.tags;
  const ipLength = shape.version === 4 ? 20 : 40;
  const header = shape.protocol === 6 ? 20 + 4 * shape.optionWords : 8;
  const size = link + ipLength + header + shape.payload.length;
  const packet = PacketBuffer.allocate(shape.headroom + size, shape.headroom);
  packet.tail = packet.head + size;
  const { view, bytes, head } = packet;
  if (link > 0) {
    for (let i = 0; i < shape.tags; i++) view.setUint16(head + 12 + 4 * i, 0x8100);
    view.setUint16(head + 12 + 4 * shape.tags, shape.version === 4 ? 0x0800 : 0x86dd);
  }
  const ip = head + link;
  const transportLength = header + shape.payload.length;
  if (shape.version === 4) {
    view.setUint16(ip, 0x4500);
    view.setUint16(ip + 2, 20 + transportLength);
    view.setUint16(ip + 4, shape.identification);
    view.setUint16(ip + 6, 0x4000);
    view.setUint16(ip + 8, 0x4000 | shape.protocol);
    view.setUint32(ip + 12, SOURCE);
    view.setUint32(ip + 16, DESTINATION);
    view.setUint16(ip + 10, checksum(bytes, ip, ip + 20));
  } else {
    view.setUint32(ip, 0x6000_0000);
    view.setUint16(ip + 4, transportLength);
    view.setUint16(ip + 6, (shape.protocol << 8) | 64);
    for (let i = 8; i < 40; i++) bytes[ip + i] = i;
  }
  const at = ip + ipLength;
  view.setUint16(at, 49152);
  view.setUint16(at + 2, 80);
  if (shape.protocol === 6) {
    view.setUint32(at + 4, shape.seq);
    view.setUint16(at + 12, ((5 + shape.optionWords) << 12) | shape.flags);
    for (let i = 20; i < header; i++) bytes[at + i] = 1;
  } else {
    view.setUint16(at + 4, transportLength);
  }
  bytes.set(shape.payload, at + header);
  view.setUint16(at + (shape.protocol === 6 ? 16 : 6), fold(pseudoOf(packet, ip, shape, transportLength)));
  packet.checksum = 'partial';
  packet.segmentSize = shape.segmentSize;
  return packet;
}

function pseudoOf(packet: PacketBuffer, ip: number, shape: Shape, length: number): number {
  if (shape.version === 4) return pseudoHeaderSum(SOURCE, DESTINATION, shape.protocol, length);
  return sum(packet.bytes, ip + 8, ip + 40, shape.protocol + length);
}

function cut(packet: PacketBuffer, medium: 'ip' | 'ethernet'): PacketBuffer[] {
  const arena = new PacketArena(1 << 20);
  const found: PacketBuffer[] = [];
  segments(
    packet,
    medium,
    (room, size) => arena.allocate(room, size),
    (segment) => found.push(segment),
    6,
  );
  return found;
}

/** 0 for a transport checksum that is right. */
function residue(packet: PacketBuffer, shape: Shape): number {
  const layout = transportOf(packet, shape.medium);
  if (layout === undefined) throw new Error('no transport header');
  const pseudo = pseudoOf(packet, layout.ip, shape, layout.end - layout.transport);
  return checksum(packet.bytes, layout.transport, layout.end, pseudo);
}

const shapes = fc.record<Shape>({
  version: fc.constantFrom(4, 6),
  medium: fc.constantFrom('ip', 'ethernet'),
  tags: fc.integer({ min: 0, max: 2 }),
  optionWords: fc.integer({ min: 0, max: 10 }),
  flags: fc.integer({ min: 0, max: 0xff }),
  seq: fc.integer({ min: 0, max: 0xffff_ffff }),
  identification: fc.integer({ min: 0, max: 0xffff }),
  payload: fc.uint8Array({ minLength: 0, maxLength: 3000 }),
  segmentSize: fc.integer({ min: 0, max: 1500 }).map((n) => (n > 0 && n < 20 ? 20 : n)),
  protocol: fc.constant(6),
  headroom: fc.integer({ min: 0, max: 32 }),
});

describe('segments', () => {
  it('cuts into segments that reassemble to the payload, with every checksum right', () => {
    fc.assert(
      fc.property(shapes, (shape) => {
        const packet = build(shape);
        const found = cut(packet, shape.medium);
        const size = shape.segmentSize === 0 ? Math.max(1, shape.payload.length) : shape.segmentSize;
        expect(found.length).toBe(Math.max(1, Math.ceil(shape.payload.length / size)));
        const together = new Uint8Array(shape.payload.length);
        let offset = 0;
        found.forEach((segment, index) => {
          const layout = transportOf(segment, shape.medium);
          if (layout === undefined) throw new Error('no transport header');
          const { view } = segment;
          expect(segment.segmentSize).toBe(0);
          expect(segment.checksum).toBe('complete');
          expect(layout.end).toBe(segment.tail);
          expect(residue(segment, shape)).toBe(0);
          if (shape.version === 4) {
            expect(checksum(segment.bytes, layout.ip, layout.ip + 20)).toBe(0);
            expect(view.getUint16(layout.ip + 4)).toBe((shape.identification + index) & 0xffff);
          }
          expect(view.getUint32(layout.transport + 4)).toBe((shape.seq + offset) >>> 0);
          const last = index === found.length - 1;
          const cleared = (last ? 0 : FIN | PSH) | (index === 0 ? 0 : CWR);
          expect(view.getUint8(layout.transport + 13)).toBe(shape.flags & ~cleared);
          together.set(segment.bytes.subarray(layout.payload, layout.end), offset);
          offset += layout.end - layout.payload;
        });
        expect(together).toEqual(shape.payload);
      }),
      { numRuns: 300 },
    );
  });

  it('leaves the packet itself as it was', () => {
    const packet = build({ ...PLAIN, payload: new Uint8Array(5000), segmentSize: 1460 });
    const before = packet.bytes.slice();
    expect(cut(packet, 'ip').length).toBe(4);
    expect(packet.bytes).toEqual(before);
    expect(packet.checksum).toBe('partial');
  });

  it('stops when there is no memory left, and says how far it came', () => {
    const packet = build({ ...PLAIN, payload: new Uint8Array(5000), segmentSize: 1000 });
    const scratch = PacketBuffer.allocate(2000);
    let left = 3;
    const allocate = (): PacketBuffer | undefined => {
      left -= 1;
      scratch.head = 0;
      scratch.tail = 0;
      return left < 0 ? undefined : scratch;
    };
    expect(segments(packet, 'ip', allocate, () => {})).toBe(3);
  });

  it('hands on what is neither TCP nor UDP as it is', () => {
    const arp = PacketBuffer.copyOf(new Uint8Array(42).fill(0xff));
    expect(cut(arp, 'ethernet').map((s) => s.contents())).toEqual([arp.contents()]);
    const empty = PacketBuffer.allocate(0);
    expect(cut(empty, 'ip').map((s) => s.length)).toEqual([0]);
  });
});

describe('completeChecksum', () => {
  it.each([4, 6] as const)('finishes TCP and UDP over IPv%i in place', (version) => {
    for (const protocol of [6, 17] as const) {
      const shape: Shape = { ...PLAIN, version, protocol, payload: new Uint8Array([1, 2, 3]) };
      const packet = build(shape);
      expect(residue(packet, shape)).not.toBe(0);
      completeChecksum(packet, 'ip');
      expect(residue(packet, shape)).toBe(0);
      expect(packet.checksum).toBe('complete');
    }
  });

  it('writes a UDP checksum of 0 as 0xffff [RFC 768]', () => {
    const shape: Shape = { ...PLAIN, protocol: 17, payload: new Uint8Array(2) };
    const first = build(shape);
    completeChecksum(first, 'ip');
    const second = build({ ...shape, payload: new Uint8Array([first.bytes[26] ?? 0, first.bytes[27] ?? 0]) });
    completeChecksum(second, 'ip');
    expect(second.view.getUint16(26)).toBe(0xffff);
  });

  it('does not touch a checksum that is complete', () => {
    const packet = build({ ...PLAIN, payload: new Uint8Array([1]) });
    packet.checksum = 'complete';
    const before = packet.bytes.slice();
    completeChecksum(packet, 'ip');
    expect(packet.bytes).toEqual(before);
  });
});
