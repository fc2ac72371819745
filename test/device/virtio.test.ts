import { describe, expect, it } from 'vitest';
import { emitVirtioHeader, parseVirtioHeader, virtioHeaderSize } from '../../device/virtio.ts';
import { type ChecksumState, PacketBuffer } from '../../stack/bytes/packet-buffer.ts';

const TCP = 6;
const UDP = 17;
const CWR = 0x80;

interface Made {
  readonly protocol?: number;
  readonly payload?: number;
  readonly flags?: number;
  readonly checksum?: ChecksumState;
  readonly segmentSize?: number;
}

/** A packet of `front` bytes (Ethernet, IP), then a TCP header with 12 bytes of options. */
function packetBehind(front: Uint8Array, made: Made): PacketBuffer {
  const packet = PacketBuffer.copyOf(new Uint8Array(front.length + 32 + (made.payload ?? 0)), 12);
  packet.bytes.set(front, packet.head);
  packet.view.setUint8(packet.head + front.length + 12, 8 << 4);
  packet.view.setUint8(packet.head + front.length + 13, made.flags ?? 0x10);
  packet.checksum = made.checksum ?? 'partial';
  packet.segmentSize = made.segmentSize ?? 0;
  return packet;
}

function ipv4(made: Made, words: number = 5): Uint8Array {
  const header = new Uint8Array(words * 4);
  header[0] = 0x40 | words;
  header[9] = made.protocol ?? TCP;
  return header;
}

function ipv6(made: Made, extensions: readonly number[] = []): Uint8Array {
  const chain = [...extensions, made.protocol ?? TCP];
  const header = new Uint8Array(40 + extensions.length * 16);
  header[0] = 0x60;
  header[6] = chain[0] ?? 0;
  for (let index = 0; index < extensions.length; index += 1)
    header.set([chain[index + 1] ?? 0, 1], 40 + index * 16);
  return header;
}

/** The header's fields, read as Virtio 1.2, 5.1.6 lays them out. */
function headerOf(packet: PacketBuffer, size: number, medium: 'ip' | 'ethernet' = 'ip'): number[] {
  packet.bytes.fill(0xee, packet.head - size, packet.head);
  emitVirtioHeader(packet, size, medium);
  const at = packet.head - size;
  const shorts = [2, 4, 6, 8].map((offset) => packet.view.getUint16(at + offset, true));
  return [packet.view.getUint8(at), packet.view.getUint8(at + 1), ...shorts];
}

describe('the virtio header', () => {
  it('is of the size that leaves the IP header on a multiple of four', () => {
    expect(virtioHeaderSize('ip') % 4).toBe(0);
    expect((virtioHeaderSize('ethernet') + 14) % 4).toBe(0);
  });

  it('is all zero for a packet that needs nothing', () => {
    const packet = packetBehind(ipv4({}), { checksum: 'complete' });
    expect(headerOf(packet, 12)).toEqual([0, 0, 0, 0, 0, 0]);
    expect([...packet.bytes.subarray(0, 12)]).toEqual(Array(12).fill(0));
  });

  it.each([
    ['TCP over IPv4', ipv4({}), 20, 16],
    ['TCP over IPv4 with options', ipv4({}, 8), 32, 16],
    ['UDP over IPv4', ipv4({ protocol: UDP }), 20, 6],
    ['TCP over IPv6', ipv6({}), 40, 16],
    ['UDP over IPv6 behind two extension headers', ipv6({ protocol: UDP }, [0, 60]), 72, 6],
    ['ICMPv6', ipv6({ protocol: 58 }), 40, 2],
  ])('asks for the checksum of %s where it is', (_, front, start, offset) => {
    expect(headerOf(packetBehind(front, {}), 12)).toEqual([1, 0, 0, 0, start, offset]);
  });

  it('counts from the Ethernet header on a TAP, past VLAN tags', () => {
    const plain = new Uint8Array([...Array(12).fill(0), 0x08, 0x00, ...ipv4({})]);
    expect(headerOf(packetBehind(plain, {}), 10, 'ethernet')).toEqual([1, 0, 0, 0, 34, 16]);
    const tagged = new Uint8Array([...Array(12).fill(0), 0x81, 0x00, 0, 5, 0x08, 0x00, ...ipv4({})]);
    expect(headerOf(packetBehind(tagged, {}), 10, 'ethernet')).toEqual([1, 0, 0, 0, 38, 16]);
  });

  it('has a super-segment cut by the kernel, and only where there is something to cut', () => {
    const cut = { payload: 5_000, segmentSize: 1_448 };
    expect(headerOf(packetBehind(ipv4({}), cut), 12)).toEqual([1, 1, 52, 1_448, 20, 16]);
    expect(headerOf(packetBehind(ipv6({}), cut), 12)).toEqual([1, 4, 72, 1_448, 40, 16]);
    expect(headerOf(packetBehind(ipv4({}), { ...cut, flags: 0x10 | CWR }), 12)).toEqual([
      1, 0x81, 52, 1_448, 20, 16,
    ]);
    expect(headerOf(packetBehind(ipv4({}), { ...cut, payload: 1_448 }), 12)).toEqual([1, 0, 0, 0, 20, 16]);
  });

  it('is read as it was written', () => {
    for (const [payload, segmentSize] of [
      [5_000, 1_448],
      [10, 0],
    ] as const) {
      const packet = packetBehind(ipv4({}), { payload, segmentSize });
      headerOf(packet, 12);
      packet.checksum = 'complete';
      packet.segmentSize = 77;
      parseVirtioHeader(packet, packet.head - 12);
      expect(packet).toMatchObject({ checksum: 'partial', segmentSize });
    }
  });

  it('says that a checksum was verified', () => {
    const packet = packetBehind(ipv4({}), { checksum: 'complete' });
    headerOf(packet, 12);
    parseVirtioHeader(packet, 0);
    expect(packet.checksum).toBe('complete');
    packet.view.setUint8(0, 2);
    parseVirtioHeader(packet, 0);
    expect(packet.checksum).toBe('verified');
  });

  it('asks for nothing where a packet is too short or of another protocol', () => {
    for (const length of [0, 1, 19, 20, 30]) {
      const packet = PacketBuffer.copyOf(ipv4({}, 15).subarray(0, length), 12);
      packet.checksum = 'partial';
      expect(headerOf(packet, 12)[0]).toBe(0);
      expect(headerOf(packet, 12, 'ethernet')[0]).toBe(0);
    }
    expect(headerOf(packetBehind(ipv4({ protocol: 47 }), {}), 12)[0]).toBe(0);
  });
});
