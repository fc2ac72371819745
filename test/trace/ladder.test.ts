import { describe, expect, it } from 'vitest';
import type { Instant } from '../../stack/time.ts';
import type { TraceEvent } from '../../stack/trace.ts';
import { type LadderSegment, ladderOf, type LinkLoss } from '../../trace/ladder.ts';
import { ladderSvg } from '../../trace/ladder-svg.ts';
import { followLadder, ladderText } from '../../trace/ladder-text.ts';
import { burstStory, lossStory, Story } from './story.ts';

function arrows(events: readonly (TraceEvent | LinkLoss)[]): readonly LadderSegment[] {
  return ladderOf(events).rows.filter((row) => row.kind === 'segment');
}

describe('ladderText', () => {
  it('draws a handshake, a loss, a retransmission, a drop and a close', () => {
    expect(`\n${ladderText(ladderOf(lossStory().events))}`).toMatchInlineSnapshot(`
      "
                  a                                                                                  b
        0.000000  │ ● SYN-SENT  (active OPEN)                                                        │
        0.000000  │──── SYN seq=0 win=65535 mss=1460 ───────────────────────────────────────────────▶│
        0.010000  │                                                        (rcv SYN)  SYN-RECEIVED ● │
        0.010000  │◀───────────────────────────────────── SYN,ACK seq=0 ack=1 win=65535 mss=1460 ────│
        0.020000  │ ● ESTABLISHED  (rcv SYN,ACK)                                                     │
        0.020000  │──── ACK ack=1 win=65535 ────────────────────────────────────────────────────────▶│
        0.030000  │                                                  (rcv ACK of SYN)  ESTABLISHED ● │
        0.030000  │──── PSH,ACK seq=1 ack=1 len=100 ─────────────────────────✗                       │
                  │                                                                ✗ lost on the way │
        0.230000  │ ◷ retransmission timer fired                                                     │
        0.230000  │──── PSH,ACK seq=1 ack=1 len=100 · retransmission (timeout) ─────────────────────▶│
        0.240000  │◀────────────────────────────────────────────────────── ACK ack=101 win=65535 ────│
        0.260000  │✗─────────────────────────────────────────────── PSH,ACK seq=1 ack=101 len=20 ────│
                  │ ✗ dropped by a: TCP_CSUM: the TCP checksum is wrong [RFC 9293 3.1, MUST-3]       │
        0.460000  │                                                     retransmission timer fired ◷ │
        0.460000  │◀──────────────────── PSH,ACK seq=1 ack=101 len=20 · retransmission (timeout) ────│
        0.470000  │──── ACK ack=21 win=65535 ───────────────────────────────────────────────────────▶│
        0.500000  │ ● FIN-WAIT-1  (CLOSE)                                                            │
        0.500000  │──── FIN,ACK seq=101 ack=21 ─────────────────────────────────────────────────────▶│
        0.510000  │                                                          (rcv FIN)  CLOSE-WAIT ● │
        0.510000  │◀────────────────────────────────────────────────────── ACK ack=102 win=65535 ────│
        0.520000  │ ● FIN-WAIT-2  (rcv ACK of FIN)                                                   │
        0.530000  │                                                              (CLOSE)  LAST-ACK ● │
        0.530000  │◀───────────────────────────────────────────────────── FIN,ACK seq=21 ack=102 ────│
        0.540000  │ ● TIME-WAIT  (rcv FIN)                                                           │
        0.540000  │──── ACK ack=22 win=65535 ───────────────────────────────────────────────────────▶│
        0.550000  │                                                       (rcv ACK of FIN)  CLOSED ● │
        2.540000  │ ◷ TIME-WAIT timer (2 MSL) fired                                                  │
        2.540000  │ ● CLOSED  (timeout 2 MSL)                                                        │
      "
    `);
  });

  it('draws a burst with a loss, SACK, a super-segment and a reset', () => {
    expect(`\n${ladderText(ladderOf(burstStory().events))}`).toMatchInlineSnapshot(`
      "
                  a                                                                                  b
        0.000000  │ ● SYN-SENT  (active OPEN)                                                        │
        0.000000  │──── SYN seq=0 win=65535 mss=1460 sackOK ────────────────────────────────────────▶│
        0.020000  │                                                        (rcv SYN)  SYN-RECEIVED ● │
        0.020000  │◀────────────────────────────── SYN,ACK seq=0 ack=1 win=65535 mss=1460 sackOK ────│
        0.040000  │ ● ESTABLISHED  (rcv SYN,ACK)                                                     │
        0.040000  │──── ACK ack=1 win=65535 ────────────────────────────────────────────────────────▶│
        0.060000  │                                                  (rcv ACK of SYN)  ESTABLISHED ● │
        0.070000  │──── seq=1 ack=1 len=1460 ───────────────────────────────────────────────────────▶│
        0.070000  │──── seq=1461 ack=1 len=1460 ─────────────────────────────✗                       │
                  │                                                                ✗ lost on the way │
        0.070000  │──── seq=2921 ack=1 len=1460 ────────────────────────────────────────────────────▶│
        0.070000  │──── seq=4381 ack=1 len=1460 ────────────────────────────────────────────────────▶│
        0.070000  │──── seq=5841 ack=1 len=1460 ────────────────────────────────────────────────────▶│
        0.090000  │◀───────────────────────────────────────────────────── ACK ack=1461 win=65535 ────│
        0.090000  │◀────────────────────── ACK ack=1461 win=65535 sack=2921–4381 · duplicate ACK ────│
        0.090000  │◀────────────────────── ACK ack=1461 win=65535 sack=2921–5841 · duplicate ACK ────│
        0.090000  │◀────────────────────── ACK ack=1461 win=65535 sack=2921–7301 · duplicate ACK ────│
        0.110000  │──── seq=1461 ack=1 len=1460 · fast retransmission ──────────────────────────────▶│
        0.130000  │◀───────────────────────────────────────────────────── ACK ack=7301 win=65535 ────│
        0.200000  │──── PSH,ACK seq=7301 ack=1 len=5840 ×4 ─────────────────────────────────────────▶│
        0.220000  │◀──────────────────────────────────────────────────────── ACK ack=13141 win=0 ────│
        0.260000  │✗──────────────────────────────────────────────────────── ACK ack=1 win=65535 ────│
                  │ ✗ dropped by a: TCP_TOO_OLD_ACK: its acknowledgment is older than any window     │
                  │ we had [RFC 5961 5.2]                                                            │
        0.300000  │                                                                (ABORT)  CLOSED ● │
        0.300000  │◀─────────────────────────────── RST,ACK seq=1 ack=13141 · TCP_ABORT_ON_CLOSE ────│
        0.320000  │ ● CLOSED  (rcv RST)                                                              │
      "
    `);
  });

  it('keeps to its width', () => {
    for (const width of [60, 80, 120]) {
      const text = ladderText(ladderOf(lossStory().events), { width });
      for (const line of text.trimEnd().split('\n')) expect([...line].length).toBe(width);
    }
  });
});

describe('followLadder', () => {
  it('draws each row as it happens', () => {
    const lines: string[] = [];
    const trace = followLadder((line) => lines.push(line), { width: 84, title: 'glasstack' });
    for (const event of burstStory().events) if (event.host === 'a') trace(event);
    expect(`\n${lines.join('\n')}\n`).toMatchInlineSnapshot(`
      "
                       peer                                                      glasstack
        0.000000  #1   │                                       (active OPEN)  SYN-SENT ● │
        0.000000  #1   │◀─────────────────────── SYN seq=0 win=65535 mss=1460 sackOK ────│
        0.040000  #1   │──── SYN,ACK seq=0 ack=1 win=65535 mss=1460 sackOK ─────────────▶│
        0.040000  #1   │                                    (rcv SYN,ACK)  ESTABLISHED ● │
        0.040000  #1   │◀─────────────────────────────────────── ACK ack=1 win=65535 ────│
        0.070000  #1   │◀────────────────────────────────────── seq=1 ack=1 len=1460 ────│
        0.070000  #1   │◀─────────────────────────────────── seq=1461 ack=1 len=1460 ────│
        0.070000  #1   │◀─────────────────────────────────── seq=2921 ack=1 len=1460 ────│
        0.070000  #1   │◀─────────────────────────────────── seq=4381 ack=1 len=1460 ────│
        0.070000  #1   │◀─────────────────────────────────── seq=5841 ack=1 len=1460 ────│
        0.110000  #1   │──── ACK ack=1461 win=65535 ────────────────────────────────────▶│
        0.110000  #1   │──── ACK ack=1461 win=65535 sack=2921–4381 ─────────────────────▶│
        0.110000  #1   │──── ACK ack=1461 win=65535 sack=2921–5841 ─────────────────────▶│
        0.110000  #1   │──── ACK ack=1461 win=65535 sack=2921–7301 ─────────────────────▶│
        0.110000  #1   │◀───────────── seq=1461 ack=1 len=1460 · fast retransmission ────│
        0.150000  #1   │──── ACK ack=7301 win=65535 ────────────────────────────────────▶│
        0.200000  #1   │◀──────────────────────── PSH,ACK seq=7301 ack=1 len=5840 ×4 ────│
        0.240000  #1   │──── ACK ack=13141 win=0 ───────────────────────────────────────▶│
        0.280000  #1   │──── ACK ack=1 win=65535 ───────────────────────────────────────▶│
                       │                                      ✗ dropped: TCP_TOO_OLD_ACK │
        0.320000  #1   │──── RST,ACK seq=1 ack=13141 ───────────────────────────────────▶│
        0.320000  #1   │                                             (rcv RST)  CLOSED ● │
      "
    `);
  });

  it('colours for a terminal', () => {
    const lines: string[] = [];
    const trace = followLadder((line) => lines.push(line), { colour: true });
    for (const event of lossStory().events) if (event.host === 'a') trace(event);
    expect(lines.some((line) => line.includes('\x1b[32m') && line.includes('ESTABLISHED'))).toBe(true);
    expect(lines.some((line) => line.includes('\x1b[33m') && line.includes('retransmission'))).toBe(true);
  });
});

describe('ladderOf', () => {
  it('tells a lost segment from its retransmission, which looks alike', () => {
    const data = arrows(lossStory().events).filter(({ from, length }) => from === 'left' && length > 0);
    expect(data.map(({ fate, retransmission }) => [fate, retransmission])).toEqual([
      ['lost', false],
      ['arrived', true],
    ]);
  });

  it('says who dropped a segment that never became one of a connection', () => {
    const dropped = arrows(lossStory().events).filter(({ fate }) => fate === 'dropped');
    expect(dropped).toMatchObject([
      { from: 'right', by: 'a', reason: 'TCP_CSUM', length: 20, sentAt: 260_000 },
    ]);
  });

  it('says which link lost a segment, and why', () => {
    const events: (TraceEvent | LinkLoss)[] = [];
    for (const event of lossStory().events) {
      events.push(event);
      if (event.type !== 'frame' || event.at !== 30_000 || event.direction === 'in') continue;
      const { at, medium, bytes, head, tail } = event;
      const why = { by: 'link a–b', reason: 'LINK_LOSS', sentence: 'the link lost it' };
      events.push({ type: 'link-loss', ...why, at, medium, bytes, head, tail });
    }
    const lost = arrows(events).filter(({ fate }) => fate === 'lost');
    expect(lost).toMatchObject([{ by: 'link a–b', reason: 'LINK_LOSS', length: 100, seq: 1 }]);
  });

  it('marks duplicates, overtaken segments, and what was never sent', () => {
    const s = new Story(10);
    s.at(0).send('a', { flags: 'P', seq: 1, ack: 1, length: 10, cause: 'data' });
    s.at(1).send('a', { flags: 'P', seq: 11, ack: 1, length: 10, cause: 'data' });
    s.at(100);
    const [first, , second, , , firstIn, , secondIn] = withFrames(s.events);
    if (!first || !second || !firstIn || !secondIn) throw new Error('a story of other events');
    const late = { ...firstIn, at: 20_000 as Instant };
    const found = arrows([first, second, secondIn, late, { ...late, at: 21_000 as Instant }]);
    expect(found.map(({ duplicate, reordered }) => [duplicate, reordered])).toEqual([
      [false, true],
      [false, false],
      [true, false],
    ]);
    const forged = arrows([first, { ...firstIn, ...forgedFacts(firstIn) }]);
    expect(forged.map(({ unsent, fate }) => [unsent, fate])).toEqual([
      [false, 'lost'],
      [true, 'arrived'],
    ]);
  });

  it('counts the lost pieces of a super-segment', () => {
    const s = new Story(10);
    s.at(0).send('a', { flags: 'P', seq: 1, ack: 1, length: 4000, segmentSize: 1000, cause: 'data' });
    s.at(100);
    const [out, , , whole] = s.events;
    if (out?.type !== 'segment' || whole?.type !== 'segment') throw new Error('a story of other events');
    const { header } = whole;
    const piece = (n: number): TraceEvent => {
      const seq = (header.seq + n * 1000) as typeof header.seq;
      return { ...whole, length: 1000, segmentSize: 0, header: { ...header, seq } };
    };
    expect(arrows([out, piece(0), piece(2), piece(3)])).toMatchObject([
      { pieces: 4, lostPieces: 1, fate: 'arrived', arrivedAt: 10_000 },
    ]);
  });

  it('draws one host with its peer at the left', () => {
    const ladder = ladderOf(lossStory().events.filter((event) => event.host === 'b'));
    expect([ladder.left, ladder.right, ladder.bothTraced]).toEqual(['peer', 'b', false]);
    const fates = ladder.rows.flatMap((row) => (row.kind === 'segment' ? [`${row.from} ${row.fate}`] : []));
    expect(new Set(fates)).toEqual(new Set(['left arrived', 'right unknown']));
  });
});

describe('ladderSvg', () => {
  it('is a standalone document with an arrow each, and both grounds', () => {
    const svg = ladderSvg(ladderOf(burstStory().events), { title: 'Loss & <recovery>' });
    expect(svg).toContain('<title>Loss &amp; &lt;recovery&gt;</title>');
    expect(svg.match(/<g class="arrow /g)?.length).toBe(arrows(burstStory().events).length);
    expect(svg).toContain('prefers-color-scheme: dark');
    expect(svg).not.toMatch(/NaN|undefined|Infinity/);
  });

  it('draws an empty ladder, and one of a single host', () => {
    expect(ladderSvg(ladderOf([]))).not.toMatch(/NaN|undefined|Infinity/);
    const single = lossStory().events.filter((event) => event.host === 'a');
    expect(ladderSvg(ladderOf(single))).not.toMatch(/NaN|undefined|Infinity/);
  });
});

/** Segment events only, each followed by its frame's place: out, frame, out, frame, frame, in, frame, in. */
function withFrames(
  events: readonly TraceEvent[],
): readonly (Extract<TraceEvent, { type: 'segment' }> | undefined)[] {
  return events.map((event) => (event.type === 'segment' ? event : undefined));
}

function forgedFacts(event: Extract<TraceEvent, { type: 'segment' }>): Partial<typeof event> {
  const seq = (event.header.seq + 500) as typeof event.header.seq;
  return { header: { ...event.header, seq } };
}
