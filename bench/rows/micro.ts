import { sum } from '../../stack/bytes/checksum.ts';
import { PacketBuffer } from '../../stack/bytes/packet-buffer.ts';
import { seq } from '../../stack/tcp/sequence.ts';
import { NO_OPTIONS } from '../../stack/wire/tcp-options.ts';
import * as tcp from '../../stack/wire/tcp.ts';
import type { Bench, Figures, MeasureOptions, Metric } from '../bench.ts';
import { address } from '../pair.ts';
import { inChild } from '../processes.ts';

const PAYLOAD = 1448;
const ROOM = 100;

/** Nanoseconds for what is done to every segment of 1,448 bytes with timestamps. */
export function micro(options: MeasureOptions): Promise<Figures> {
  const packet = PacketBuffer.allocate(ROOM + PAYLOAD, ROOM);
  packet.tail = ROOM + PAYLOAD;
  const source = address('10.0.0.1');
  const destination = address('10.0.0.2');
  const header: tcp.TcpHeader = {
    ...tcp.BARE_HEADER,
    sourcePort: 40_000,
    destinationPort: 80,
    seq: seq(1),
    ack: seq(2),
    window: 1000,
    options: { ...NO_OPTIONS, timestamps: { value: 1, echo: 2 } },
  };
  packet.checksum = 'partial';
  const emit = (): number => {
    packet.head = ROOM;
    tcp.emit(header, packet, source, destination, 'linux');
    return packet.head;
  };
  emit();
  const parse = (): number => (typeof tcp.parse(packet) === 'string' ? 0 : 1);
  const checksum = (): number => sum(packet.bytes, packet.head, packet.tail);
  const { seconds } = options;
  return Promise.resolve({
    checksum: nanoseconds(checksum, seconds),
    parse: nanoseconds(parse, seconds),
    emit: nanoseconds(emit, seconds),
  });
}

/** How long one call takes; the results are added up so that no call can be left out. */
function nanoseconds(call: () => number, seconds: number): number {
  let total = 0;
  for (let warm = 0; warm < 20_000; warm++) total += call();
  const from = performance.now();
  let calls = 0;
  while (performance.now() - from < seconds * 1000) {
    for (let each = 0; each < 1000; each++) total += call();
    calls += 1000;
  }
  const passed = performance.now() - from;
  return total < 0 ? 0 : (passed * 1e6) / calls;
}

export function benches(): Bench[] {
  const metric = (id: string, title: string): Metric => ({
    id,
    title,
    unit: 'ns',
    lowerIsBetter: true,
    goals: [],
  });
  return [
    {
      id: 'micro',
      metrics: [
        metric('checksum', 'checksum of a segment of 1,448 bytes'),
        metric('parse', 'parsing its TCP header'),
        metric('emit', 'writing its TCP header, checksum aside'),
      ],
      subjects: { glasstack: () => inChild('micro/glasstack', { warmUp: 0, seconds: 0.2 }) },
    },
  ];
}
