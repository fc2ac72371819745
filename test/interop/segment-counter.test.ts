import { describe, expect, it } from 'vitest';
import { SegmentCounter } from '../../interop/retransmissions.ts';
import { PacketBuffer } from '../../stack/bytes/packet-buffer.ts';

const SYN = 0x02;
const ACK = 0x10;
const FIN = 0x01;

/** An IPv4 packet with a TCP segment of no options. */
function segment(seq: number, payload: number, flags: number = ACK, segmentSize: number = 0): PacketBuffer {
  const packet = PacketBuffer.allocate(40 + payload);
  packet.tail = 40 + payload;
  const { view, head } = packet;
  view.setUint8(head, 0x45);
  view.setUint16(head + 2, 40 + payload);
  view.setUint8(head + 9, 6);
  view.setUint32(head + 24, seq);
  view.setUint8(head + 32, 0x50);
  view.setUint8(head + 33, flags);
  packet.segmentSize = segmentSize;
  return packet;
}

function counted(...packets: PacketBuffer[]): SegmentCounter {
  const counter = new SegmentCounter();
  for (const packet of packets) counter.count(packet, 'ip');
  return counter;
}

describe('the counter of segments', () => {
  it('takes sequence numbers that left before for a retransmission', () => {
    const counter = counted(segment(100, 10), segment(110, 10), segment(100, 10), segment(120, 10));
    expect(counter).toMatchObject({ segments: 4, retransmissions: 1 });
  });

  it('does not count ACKs without payload', () => {
    expect(counted(segment(100, 10), segment(110, 0), segment(110, 0))).toMatchObject({ retransmissions: 0 });
  });

  it('counts a SYN and a FIN that leave again', () => {
    const counter = counted(
      segment(99, 0, SYN),
      segment(99, 0, SYN),
      segment(100, 0, FIN),
      segment(100, 0, FIN),
    );
    expect(counter).toMatchObject({ segments: 4, retransmissions: 2 });
  });

  it('counts the pieces of a super-segment, and those of them that are old', () => {
    const counter = counted(segment(0, 1_000, ACK, 100), segment(900, 1_000, ACK, 100));
    expect(counter).toMatchObject({ segments: 20, retransmissions: 1 });
  });

  it('follows sequence numbers around 2^32', () => {
    const counter = counted(segment(0xffff_fff0, 0x20), segment(0x10, 0x10), segment(0xffff_fff0, 0x20));
    expect(counter).toMatchObject({ retransmissions: 1 });
  });
});
