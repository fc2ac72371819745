import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { PacketBuffer } from '../../stack/bytes/packet-buffer.ts';
import type { Instant } from '../../stack/time.ts';
import type { TraceEvent } from '../../stack/trace.ts';
import { type CaptureOptions, captureTrace } from '../../trace/capture.ts';
import { openPcapngFile } from '../../trace/node/pcapng-file.ts';
import { PcapngWriter } from '../../trace/pcapng.ts';
import { burstStory, lossStory, Story } from './story.ts';

const hasTshark = spawnSync('tshark', ['--version']).status === 0;
if (!hasTshark) console.warn('test/trace/capture: tshark is not installed; what it would check is skipped');
const directory = mkdtempSync(join(tmpdir(), 'glasstack-trace-'));
afterAll(() => rmSync(directory, { recursive: true }));
let files = 0;

function captured(events: readonly TraceEvent[], options: CaptureOptions = {}): string {
  files += 1;
  const path = join(directory, `${files}.pcapng`);
  const file = openPcapngFile(path);
  const trace = captureTrace(file.sink, options);
  for (const event of events) trace(event);
  trace.flush();
  file.close();
  return path;
}

/** The fields of each packet, as tshark reads them. */
function tshark(path: string, fields: readonly string[], filter: string = ''): string[][] {
  const output = execFileSync(
    'tshark',
    [
      ...['-r', path, '-Y', filter, '-T', 'fields', '-E', 'separator=\t', '-E', 'aggregator=|'],
      // The payload on port 80 is no HTTP, and tshark takes offence at its retransmission.
      ...['--disable-protocol', 'http'],
      ...['-o', 'tcp.check_checksum:TRUE', '-o', 'ip.check_checksum:TRUE'],
      ...fields.flatMap((field) => ['-e', field]),
    ],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
  );
  return output
    .split('\n')
    .slice(0, -1)
    .map((line) => line.split('\t'));
}

const BAD = '_ws.malformed || tcp.checksum.status == 0 || ip.checksum.status == 0';

describe.skipIf(!hasTshark)('captureTrace, as tshark reads it', () => {
  it('writes well-formed frames with right checksums, both hosts as interfaces', () => {
    const names = new Set(tshark(captured(lossStory().events), ['frame.interface_name']).flat());
    expect([...names]).toEqual(['a/tun0', 'b/tun0']);
    for (const story of [lossStory(), burstStory()]) {
      for (const host of ['a', 'b']) {
        const path = captured(story.events, { host });
        expect(tshark(path, ['frame.number'], BAD)).toEqual([]);
        expect(new Set(tshark(path, ['frame.interface_name']).flat())).toEqual(new Set([`${host}/tun0`]));
      }
    }
  });

  it('comments on frames with drops, state changes, timers and causes', () => {
    const path = captured(lossStory().events);
    const rows = tshark(
      path,
      ['frame.time_relative', 'frame.interface_name', 'frame.comment'],
      'frame.comment',
    );
    expect(
      rows.map(([time, name, comment]) => `${Number(time).toFixed(3)} ${name} ${comment}`),
    ).toMatchInlineSnapshot(`
      [
        "0.000 a/tun0 CLOSED → SYN-SENT (active OPEN)",
        "0.010 b/tun0 LISTEN → SYN-RECEIVED (rcv SYN)",
        "0.020 a/tun0 SYN-SENT → ESTABLISHED (rcv SYN,ACK)",
        "0.030 b/tun0 SYN-RECEIVED → ESTABLISHED (rcv ACK of SYN)",
        "0.230 a/tun0 retransmission timer fired|retransmission: the retransmission timer went off [RFC 6298 5.4]",
        "0.270 a/tun0 dropped: TCP_CSUM: the TCP checksum is wrong [RFC 9293 3.1, MUST-3]",
        "0.460 b/tun0 retransmission timer fired|retransmission: the retransmission timer went off [RFC 6298 5.4]",
        "0.500 a/tun0 ESTABLISHED → FIN-WAIT-1 (CLOSE)",
        "0.510 b/tun0 ESTABLISHED → CLOSE-WAIT (rcv FIN)",
        "0.520 a/tun0 FIN-WAIT-1 → FIN-WAIT-2 (rcv ACK of FIN)",
        "0.530 b/tun0 CLOSE-WAIT → LAST-ACK (CLOSE)",
        "0.540 a/tun0 FIN-WAIT-2 → TIME-WAIT (rcv FIN)",
        "0.550 b/tun0 LAST-ACK → CLOSED (rcv ACK of FIN)",
      ]
    `);
  });

  it('keeps times and directions', () => {
    const path = captured(lossStory().events.slice(0, 10));
    expect(tshark(path, ['frame.time_epoch', 'frame.packet_flags_direction'])).toEqual([
      ['0.000000000', '0x00000002'],
      ['0.010000000', '0x00000001'],
      ['0.010000000', '0x00000002'],
    ]);
  });

  it('cuts super-segments; the first of an outgoing one has the comments, the last of an incoming one', () => {
    const s = new Story();
    s.at(0).timer('a', 'retransmission');
    s.send(
      'a',
      { flags: 'P', seq: 1, ack: 1, length: 3000, segmentSize: 1400, cause: 'retransmit-timeout' },
      () => s.state('b', 'ESTABLISHED', 'CLOSE-WAIT', 'rcv FIN'),
    );
    s.at(100);
    const path = captured(s.events);
    expect(tshark(path, ['frame.number'], BAD)).toEqual([]);
    const rows = tshark(path, [
      'frame.interface_name',
      'tcp.seq_raw',
      'tcp.len',
      'tcp.flags.push',
      'frame.comment',
    ]);
    const cause = 'retransmission: the retransmission timer went off [RFC 6298 5.4]';
    expect(rows).toEqual([
      ['a/tun0', '1001', '1400', '0', `retransmission timer fired|${cause}`],
      ['a/tun0', '2401', '1400', '0', ''],
      ['a/tun0', '3801', '200', '1', ''],
      ['b/tun0', '1001', '1400', '0', ''],
      ['b/tun0', '2401', '1400', '0', ''],
      ['b/tun0', '3801', '200', '1', 'ESTABLISHED → CLOSE-WAIT (rcv FIN)'],
    ]);
  });

  it('writes no comment when asked not to', () => {
    const path = captured(lossStory().events, { comments: false });
    expect(tshark(path, ['frame.comment'], 'frame.comment')).toEqual([]);
    expect(tshark(path, ['frame.number']).length).toBe(25);
  });
});

describe('captureTrace', () => {
  it('has written every frame after flush, in the order of time', () => {
    const times: number[] = [];
    const chunks: Uint8Array[] = [];
    const trace = captureTrace((bytes) => chunks.push(bytes));
    const events = burstStory().events;
    for (const event of events) trace(event);
    trace.flush();
    const file = Buffer.concat(chunks);
    for (let at = 0; at < file.length; at += file.readUInt32LE(at + 4)) {
      if (file.readUInt32LE(at) === 6) times.push(file.readUInt32LE(at + 16));
    }
    const frames = events.filter((event) => event.type === 'frame');
    // A super-segment of four, seen at both ends.
    expect(times.length).toBe(frames.length + 6);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
  });
});

describe('PcapngWriter', () => {
  it('cuts packets at the snap length and keeps their original length', () => {
    let file: Uint8Array = new Uint8Array(0);
    const writer = new PcapngWriter((bytes) => (file = bytes), { snapLength: 96, epoch: 2 ** 33 });
    const number = writer.addInterface({ name: 'tun0', medium: 'ip', description: 'Tünnel' });
    const packet = PacketBuffer.allocate(1000);
    packet.tail = 1000;
    writer.packet(5 as Instant, number, 'in', packet.bytes, packet.head, packet.tail, [
      '→ x',
      'y'.repeat(9999),
    ]);
    writer.flush();
    const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
    const blocks: number[] = [];
    let at = 0;
    for (; at < file.length; at += view.getUint32(at + 4, true)) {
      const length = view.getUint32(at + 4, true);
      expect(view.getUint32(at + length - 4, true)).toBe(length);
      blocks.push(view.getUint32(at, true));
      if (blocks.length === 3) {
        expect([12, 16, 20, 24].map((offset) => view.getUint32(at + offset, true))).toEqual([2, 5, 96, 1000]);
      }
    }
    expect(at).toBe(file.length);
    expect(blocks).toEqual([0x0a0d0d0a, 1, 6]);
  });

  it('hands over chunks that it does not touch again', () => {
    const chunks: Uint8Array[] = [];
    const writer = new PcapngWriter((bytes) => chunks.push(bytes));
    const number = writer.addInterface({ name: 'tun0', medium: 'ethernet' });
    const bytes = new Uint8Array(60_000);
    for (let i = 0; i < 10; i++) writer.packet(i as Instant, number, 'out', bytes.fill(i), 0, bytes.length);
    writer.flush();
    writer.flush();
    expect(chunks.length).toBe(3);
    expect(chunks[0]?.at(-20)).toBe(3);
  });
});
