import { describe, expect, it } from 'vitest';
import type { Instant } from '../../stack/time.ts';
import type { FrameEvent, TcbVariables, TraceEvent } from '../../stack/trace.ts';
import { TraceFold } from '../../trace/fold.ts';
import { TraceRecord } from '../../trace/record.ts';

function variables(host: string, connection: number, changes: Partial<TcbVariables>): TraceEvent {
  return { type: 'variables', at: 0 as Instant, host, connection, changes };
}

describe('TraceFold', () => {
  it('folds changes by host and connection', () => {
    const fold = new TraceFold();
    fold.push(variables('a', 1, { state: 'SYN-SENT', cwnd: 10 }));
    fold.push(variables('b', 1, { state: 'LISTEN', cwnd: 20 }));
    fold.push(variables('a', 1, { cwnd: 30, recover: undefined }));
    expect(fold.tcb('a', 1)).toEqual({ state: 'SYN-SENT', cwnd: 30, recover: undefined });
    expect(fold.tcb('b', 1)?.cwnd).toBe(20);
    expect(fold.tcb('b', 2)).toBeUndefined();
  });

  it('gives the variables after any event, as if it had folded up to there', () => {
    const fold = new TraceFold();
    for (let i = 0; i < 3000; i++) {
      if (i % 3 === 0) fold.push({ type: 'note', at: 0 as Instant, host: 'a', text: '' });
      else fold.push(variables('a', i % 2, { state: 'ESTABLISHED', cwnd: i, [`x${i % 7}`]: i }));
    }
    expect(fold.length).toBe(3000);
    expect(fold.at(0).tcb('a', 1)).toBeUndefined();
    expect(fold.at(2).tcb('a', 1)?.cwnd).toBe(1);
    for (const count of [1, 2, 3, 255, 384, 385, 386, 1000, 1537, 2999, 3000]) {
      const fresh = new TraceFold();
      for (let i = 0; i < count; i++) {
        if (i % 3 === 0) fresh.push({ type: 'note', at: 0 as Instant, host: 'a', text: '' });
        else fresh.push(variables('a', i % 2, { state: 'ESTABLISHED', cwnd: i, [`x${i % 7}`]: i }));
      }
      for (const connection of [0, 1]) {
        expect(fold.at(count).tcb('a', connection)).toEqual(fresh.tcb('a', connection));
      }
    }
  });
});

describe('TraceRecord', () => {
  it('keeps copies of what is valid during the call only', () => {
    const record = new TraceRecord();
    const bytes = new Uint8Array([0, 1, 2, 3]);
    const frame: FrameEvent = {
      ...{ type: 'frame', at: 1 as Instant, host: 'a', direction: 'in', device: 'tun0', medium: 'ip' },
      ...{ bytes, head: 1, tail: 3, segmentSize: 0, partialChecksum: false },
    };
    record.tracer(frame);
    record.tracer({ type: 'call', at: 1 as Instant, host: 'a', connection: 1, call: 'send', data: bytes });
    bytes.fill(9);
    expect(record.events).toMatchObject([
      { head: 0, tail: 2, bytes: new Uint8Array([1, 2]) },
      { data: new Uint8Array([0, 1, 2, 3]) },
    ]);
    record.clear();
    expect(record.events).toEqual([]);
  });
});
