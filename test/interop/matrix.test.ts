import { describe, expect, it } from 'vitest';
import { runCell } from '../../interop/cell.ts';
import { type Case, CASES, type Place, placeId } from '../../interop/matrix.ts';
import { full, interopMissing, MIB } from './world.ts';

/** Of `npm run interop`, each value of each dimension at least once. */
const CELLS: readonly (readonly [
  id: string,
  device: Place['device'],
  family: Place['family'],
  role: Place['role'],
  mebibytes: number,
])[] = [
  ['cubic', 'tap', 6, 'server', 20],
  ['reno', 'tun', 4, 'client', 20],
  ['bbr', 'tap', 6, 'client', 20],
  ['sack-0', 'tun', 4, 'server', 20],
  ['timestamps-0', 'tap', 6, 'client', 20],
  ['scaling-0', 'tun', 4, 'client', 20],
  ['ecn-0', 'tap', 6, 'server', 20],
  ['ecn-1', 'tun', 4, 'client', 20],
  ['ecn-2', 'tun', 6, 'server', 20],
  ['mtu-576', 'tap', 4, 'server', 20],
  ['mtu-1280', 'tun', 6, 'client', 20],
  ['mtu-9000', 'tap', 4, 'client', 20],
  ['loss-1', 'tun', 6, 'server', 8],
  ['loss-5', 'tap', 4, 'client', 1],
  ['reordering', 'tun', 6, 'client', 2],
  ['everything', 'tap', 6, 'server', 1],
  ['ecn-1-marks', 'tun', 4, 'server', 2],
];

function caseOf(id: string): Case {
  const found = CASES.find((each) => each.id === id);
  if (found === undefined) throw new Error(`there is no case '${id}'`);
  return found;
}

describe.skipIf(interopMissing)('the interop matrix', () => {
  for (const [id, device, family, role, mebibytes] of CELLS) {
    const place: Place = { device, family, role };
    const size = full ? mebibytes : Math.min(mebibytes, 1);
    it(`carries ${size} MiB each way without a stall: ${caseOf(id).title.replaceAll('`', '')}, ${placeId(place)}`, async () => {
      const result = await runCell(caseOf(id), place, { size: size * MIB, timeout: 60_000 });
      expect(result.trouble, JSON.stringify(result)).toBeUndefined();
      expect(result.sha256).toBe(true);
    });
  }

  it('tells of a cell that does not come to its end, and what both ends knew then', async () => {
    const dead: Case = { id: 'dead', title: 'nothing arrives', path: { loss: 1 } };
    const result = await runCell(dead, { device: 'tun', family: 4, role: 'server' }, { timeout: 1_000 });
    expect(result).toMatchObject({ trouble: 'not done after 1 s', sha256: false });
    expect(result.path.lost).toBeGreaterThan(0);
    expect(result.ends).toContain('SYN-SENT');
  });

  it('tells of an option that was not agreed on though both ends could', async () => {
    const which: Case = { id: 'silent', title: 'our end offers no timestamps' };
    const result = await runCell(
      which,
      { device: 'tun', family: 4, role: 'server' },
      { size: 1_000, settings: { profile: 'linux', tcp: { timestamps: false } } },
    );
    expect(result).toMatchObject({ trouble: 'timestamps was not agreed on', sha256: true });
  });
});
