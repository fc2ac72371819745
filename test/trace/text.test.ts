import { describe, expect, it } from 'vitest';
import type { Instant } from '../../stack/time.ts';
import { seq } from '../../stack/tcp/sequence.ts';
import type { TraceEvent } from '../../stack/trace.ts';
import { options } from '../../stack/wire/tcp-options.ts';
import { textTrace, type TextOptions } from '../../trace/text.ts';
import { burstStory, lossStory } from './story.ts';

function lines(events: readonly TraceEvent[], settings?: TextOptions): string[] {
  const found: string[] = [];
  const trace = textTrace((line) => found.push(line), settings);
  for (const event of events) trace(event);
  return found;
}

const BASE = { at: 1_500_000 as Instant, host: 'a', connection: 3 };

describe('textTrace', () => {
  it('reads like tcpdump', () => {
    expect(lines(lossStory().events.filter((event) => event.host === 'b')).join('\n')).toMatchInlineSnapshot(`
      "0.010000 b 10.0.0.1.49152 > 10.0.0.2.80: Flags [S], seq 1000, win 65535, options [mss 1460], length 0
      0.010000 b #1 accepts 10.0.0.2:80 ← 10.0.0.1:49152
      0.010000 b #1 LISTEN → SYN-RECEIVED (rcv SYN)
      0.010000 b 10.0.0.2.80 > 10.0.0.1.49152: Flags [S.], seq 4294967280, ack 1001, win 65535, options [mss 1460], length 0
      0.030000 b 10.0.0.1.49152 > 10.0.0.2.80: Flags [.], ack 1, win 65535, length 0
      0.030000 b #1 SYN-RECEIVED → ESTABLISHED (rcv ACK of SYN)
      0.240000 b 10.0.0.1.49152 > 10.0.0.2.80: Flags [P.], seq 1:101, ack 1, win 65535, length 100
      0.240000 b 10.0.0.2.80 > 10.0.0.1.49152: Flags [.], ack 101, win 65535, length 0
      0.260000 b 10.0.0.2.80 > 10.0.0.1.49152: Flags [P.], seq 1:21, ack 101, win 65535, length 20
      0.460000 b #1 retransmission timer fired
      0.460000 b 10.0.0.2.80 > 10.0.0.1.49152: Flags [P.], seq 1:21, ack 101, win 65535, length 20 (retransmission: the retransmission timer went off [RFC 6298 5.4])
      0.480000 b 10.0.0.1.49152 > 10.0.0.2.80: Flags [.], ack 21, win 65535, length 0
      0.510000 b 10.0.0.1.49152 > 10.0.0.2.80: Flags [F.], seq 101, ack 21, win 65535, length 0
      0.510000 b #1 ESTABLISHED → CLOSE-WAIT (rcv FIN)
      0.510000 b 10.0.0.2.80 > 10.0.0.1.49152: Flags [.], ack 102, win 65535, length 0
      0.530000 b #1 CLOSE-WAIT → LAST-ACK (CLOSE)
      0.530000 b 10.0.0.2.80 > 10.0.0.1.49152: Flags [F.], seq 21, ack 102, win 65535, length 0
      0.550000 b 10.0.0.1.49152 > 10.0.0.2.80: Flags [.], ack 22, win 65535, length 0
      0.550000 b #1 LAST-ACK → CLOSED (rcv ACK of FIN)"
    `);
  });

  it('shows SACK blocks, resets and super-segments', () => {
    const found = lines(
      burstStory().events.filter((event) => event.host === 'b' && event.type === 'segment'),
    );
    expect(
      found.filter((line) => /sack 1|Flags \[R|segments of/.test(line)).join('\n'),
    ).toMatchInlineSnapshot(`
      "0.090000 b 10.0.0.2.80 > 10.0.0.1.49152: Flags [.], ack 1461, win 65535, options [sack 1 {2921:4381}], length 0 (duplicate ACK: the segment that came was not the one expected [RFC 5681 4.2])
      0.090000 b 10.0.0.2.80 > 10.0.0.1.49152: Flags [.], ack 1461, win 65535, options [sack 1 {2921:5841}], length 0 (duplicate ACK: the segment that came was not the one expected [RFC 5681 4.2])
      0.090000 b 10.0.0.2.80 > 10.0.0.1.49152: Flags [.], ack 1461, win 65535, options [sack 1 {2921:7301}], length 0 (duplicate ACK: the segment that came was not the one expected [RFC 5681 4.2])
      0.220000 b 10.0.0.1.49152 > 10.0.0.2.80: Flags [P.], seq 7301:13141, ack 1, win 65535, length 5840, 4 segments of 1460
      0.300000 b 10.0.0.2.80 > 10.0.0.1.49152: Flags [R.], seq 1, ack 13141, win 65535, length 0 (reset: TCP_ABORT_ON_CLOSE: closed while received data was unread [RFC 9293 3.6.1, SHLD-3])"
    `);
  });

  it('shows absolute numbers when asked to', () => {
    const [, , third] = lines(lossStory().events, { events: ['segment'], relative: false }).filter((line) =>
      line.includes(' a '),
    );
    expect(third).toBe(
      '0.020000 a 10.0.0.1.49152 > 10.0.0.2.80: Flags [.], ack 4294967281, win 65535, length 0',
    );
  });

  it('says calls, timers, measurements, variables and notes in words', () => {
    const events: TraceEvent[] = [
      { ...BASE, type: 'call', call: 'send', data: new Uint8Array(10), count: 7 },
      { ...BASE, type: 'call', connection: 0, call: 'listen', detail: '80' },
      { ...BASE, type: 'timer', timer: 'retransmission', action: 'set', deadline: 2_500_000 as Instant },
      { ...BASE, type: 'variables', changes: { cwnd: 14600, 'snd.nxt': 5, recover: undefined } },
      { at: BASE.at, host: 'a', type: 'note', text: 'offload refused' },
      { at: BASE.at, host: 'a', type: 'drop', layer: 'ip', reason: 'IP_CSUM' },
    ];
    expect(lines(events, { events: ['call', 'timer', 'variables', 'note', 'drop'] })).toEqual([
      '1.500000 a #3 SEND (10 bytes, 7 taken)',
      '1.500000 a LISTEN (80)',
      '1.500000 a #3 retransmission timer set, due at 2.500000',
      '1.500000 a #3 cwnd=14600 snd.nxt=5 recover=-',
      '1.500000 a note: offload refused',
      '1.500000 a ip dropped: IP_CSUM: the IPv4 header checksum is wrong [RFC 1122 3.2.1.2]',
    ]);
    expect(lines(events.slice(2, 4))).toEqual([]);
  });

  it('names every option', () => {
    const [segment] = lossStory().events.filter((event) => event.type === 'segment');
    if (segment?.type !== 'segment') throw new Error('no segment');
    const all = options({
      mss: 1460,
      sackPermitted: true,
      windowScale: 7,
      timestamps: { value: 1, echo: 2 },
      fastOpen: new Uint8Array([0xab, 1]),
      others: [{ kind: 254, data: new Uint8Array(2) }],
      sack: [{ left: seq(1), right: seq(2) }],
    });
    const [line] = lines([{ ...segment, header: { ...segment.header, options: all } }]);
    const expected = 'mss 1460,sackOK,TS val 1 ecr 2,wscale 7,sack 1 {1:2},tfo cookie ab01,unknown-254';
    expect(line).toContain(`options [${expected}]`);
  });
});
