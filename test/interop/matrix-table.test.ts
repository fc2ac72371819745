import { describe, expect, it } from 'vitest';
import type { CellResult } from '../../interop/cell.ts';
import { type Case, CASES, expected, placeId, PLACES } from '../../interop/matrix.ts';
import { markdown, replaceBetween } from '../../interop/table.ts';

const cases: readonly Case[] = [
  { id: 'a', title: 'one' },
  { id: 'b', title: 'two', families: [4] },
];
const stall = { ms: 700.4, rtos: 3.5, backedOff: 1.75, rto: 200, from: 0, pause: 0, lost: 1 };

function result(name: string, place: number, more: Partial<CellResult> = {}): CellResult {
  const where = PLACES[place];
  if (where === undefined) throw new Error(`there is no place ${place}`);
  return {
    case: name,
    place: where,
    rates: { in: 123.4, out: 5.6 },
    retransmissions: { ours: 1, kernel: 2 },
    stalls: { in: { ...stall, ms: 0, rtos: 0, lost: 0 }, out: stall },
    sha256: true,
    agreed: [],
    path: { lost: 0, late: 0, marked: 0 },
    took: 1,
    ...more,
  };
}

describe('the table of the interop matrix', () => {
  it('has a row a case and a column a place that was run', () => {
    const table = markdown(cases, PLACES, [
      result('a', 0),
      result('a', 2, { trouble: 'sha256 differs' }),
      result('b', 0, { stalls: {} }),
    ]);
    expect(table).toBe(
      [
        '|  | TUN, IPv4, kernel client | TUN, IPv6, kernel client |',
        '| --- | --- | --- |',
        '| one | ✓ 123 / 5.6; 1 / 2; 700 ms (3.5†) | ✗ sha256 differs |',
        '| two | ✓ 123 / 5.6; 1 / 2; ? | – |',
      ].join('\n'),
    );
  });

  it('goes where its markers are', () => {
    const page = 'a\n<!-- x: begin -->\nold\n<!-- x: end -->\nb';
    expect(replaceBetween(page, 'x', 'new')).toBe('a\n<!-- x: begin -->\n\nnew\n\n<!-- x: end -->\nb');
    expect(() => replaceBetween('a', 'x', 'new')).toThrow('x: begin');
  });
});

describe('the interop matrix', () => {
  it('gives each cell a name of its own', () => {
    const names = CASES.flatMap(({ id }) => PLACES.map((place) => `${id} ${placeId(place)}`));
    expect(new Set(names).size).toBe(CASES.length * 8);
  });

  it('expects no option that the kernel is told not to use', () => {
    const off = (name: string): ReadonlySet<string> =>
      expected({ id: '', title: '', sysctls: { [name]: 0 } }, 'server');
    expect([...off('tcp_timestamps')]).not.toContain('timestamps');
    expect([...off('tcp_window_scaling')]).not.toContain('windowScaling');
    expect([...off('tcp_sack')]).not.toContain('sack');
    expect([...expected({ id: '', title: '' }, 'client')]).toEqual(
      expect.arrayContaining(['timestamps', 'windowScaling']),
    );
  });
});
