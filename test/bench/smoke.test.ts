import { describe, expect, it } from 'vitest';
import type { Bench, MeasureOptions } from '../../bench/bench.ts';
import { measures } from '../../bench/measures.ts';
import * as bulkMemory from '../../bench/rows/bulk-memory.ts';
import * as connectionsMemory from '../../bench/rows/connections-memory.ts';
import * as idle from '../../bench/rows/idle.ts';
import * as micro from '../../bench/rows/micro.ts';
import * as pingPongMemory from '../../bench/rows/ping-pong-memory.ts';
import * as simulation from '../../bench/rows/simulation.ts';
import { figure, median, ratio, runBench } from '../../bench/run.ts';
import { markdown, plain, replaceTable, short } from '../../bench/table.ts';

const tiny: MeasureOptions = { warmUp: 0.01, seconds: 0.03, connections: 20 };

describe('every measurement in memory gives positive numbers', () => {
  for (const [name, measure] of Object.entries(measures)) {
    it(name, async () => {
      const figures = await measure(tiny);
      expect(Object.keys(figures)).not.toEqual([]);
      for (const [metric, value] of Object.entries(figures)) {
        // What 20 connections hold, and what they take of the CPU, drowns in what else goes on here.
        if (metric === 'bytes' || metric === 'cpu') expect(value).not.toBeNaN();
        else expect(value, metric).toBeGreaterThan(0);
      }
    });
  }

  it('and super-segments', async () => {
    const { throughput } = (await measures['bulk/glasstack']?.({ ...tiny, offload: true })) ?? {};
    expect(throughput).toBeGreaterThan(0);
  });
});

it('every bench in memory has a measurement for each of its subjects, and metrics', () => {
  const benches = [bulkMemory, connectionsMemory, pingPongMemory, idle, micro, simulation].flatMap((rows) =>
    rows.benches(),
  );
  expect(new Set(benches.map(({ id }) => id)).size).toBe(benches.length);
  for (const { metrics, subjects } of benches) {
    expect(metrics.length).toBeGreaterThan(0);
    expect(subjects.glasstack).toBeDefined();
  }
});

/** Figures made up: 30, 10, 20 against 10, 10, 40. */
function invented(): Bench {
  const ours = [30, 10, 20];
  const theirs = [10, 10, 40];
  return {
    id: 'invented',
    metrics: [
      { id: 'rate', title: 'a row', unit: '1/s', goals: [{ at: 20 }, { at: 2, times: 'kernel' }] },
      { id: 'time', title: 'another', unit: 's', lowerIsBetter: true, goals: [{ at: 1 }] },
    ],
    subjects: {
      glasstack: () => Promise.resolve({ rate: ours.shift() ?? 0, time: 0.5 }),
      kernel: () => Promise.resolve({ rate: theirs.shift() ?? 0 }),
      node: () => Promise.reject(new Error('no such thing')),
    },
  };
}

describe('the table', () => {
  it('has the median of the rounds, and the median of the ratios of the rounds', async () => {
    const [row] = await runBench(invented(), 3);
    expect(row === undefined ? [] : [figure(row, 'glasstack'), figure(row, 'kernel')]).toEqual([20, 10]);
    expect(row === undefined ? 0 : ratio(row, 'kernel')).toBe(1);
    expect(row?.trouble).toContain('no such thing');
  });

  it('is well formed', async () => {
    const rows = await runBench(invented(), 3);
    expect(markdown(rows).split('\n')).toEqual([
      '|  | unit | glasstack | kernel over veth | first goal | then |',
      '| --- | --- | --- | --- | --- | --- |',
      '| a row | 1/s | **20** | 10 (1 ×) | ≥ 20 ✓ | ≥ 2 × kernel ✗ |',
      '| another | s | **0.5** |  | ≤ 1 ✓ |  |',
    ]);
    expect(plain(rows)).toMatch(/^ +unit +glasstack/);
  });

  it('says what is missing', async () => {
    const rows = await runBench({ ...invented(), missing: 'needs root and /dev/net/tun' }, 1);
    expect(markdown(rows)).toContain('| needs root and /dev/net/tun |');
  });

  it('goes between its markers', () => {
    const page = 'a\n<!-- bench: begin -->\nold\n<!-- bench: end -->\nb\n';
    expect(replaceTable(page, 'new')).toBe('a\n<!-- bench: begin -->\nnew\n<!-- bench: end -->\nb\n');
    expect(replaceTable('none', 'new')).toBeUndefined();
  });
});

it('figures have three digits at most, or are whole', () => {
  expect([1234.5, 123.4, 12.34, 1.234, 0].map(short)).toEqual(['1,235', '123', '12.3', '1.2', '0']);
});

it('the median of nothing is nothing', () => {
  expect([median([]), median([3]), median([1, 2, 9, 4])]).toEqual([undefined, 3, 3]);
});
