import { describe, expect, it } from 'vitest';
import { type LossPattern, pairs, randoms, singles } from '../../experiments/recovery/pattern.ts';
import { type RecoveryResult, recovery } from '../../experiments/recovery/recovery.ts';

/** The patterns after which something was not as wanted. */
function exceptions(patterns: readonly LossPattern[], wanted: (result: RecoveryResult) => boolean): string[] {
  return patterns.flatMap((pattern) => {
    const result = recovery({ pattern });
    return wanted(result) ? [] : [`${JSON.stringify(pattern)}: ${JSON.stringify(result)}`];
  });
}

describe('of 100 segments in flight', { timeout: 120_000 }, () => {
  it('any one that is lost comes again without a timeout, and nothing else does [RFC 6675 4; RFC 8985 3]', () => {
    const wanted = ({ timeouts, retransmissions }: RecoveryResult): boolean =>
      timeouts === 0 && retransmissions === 1;
    expect(exceptions(singles(), wanted)).toEqual([]);
  });

  it('any two that are lost come again without a timeout (every 13th of the 4,950 pairs) [RFC 6675 4; RFC 8985 3]', () => {
    const some = pairs().filter((_, index) => index % 13 === 0);
    expect(exceptions(some, ({ timeouts }) => timeouts === 0)).toEqual([]);
  });

  it('a tenth that is lost once comes again without a timeout [RFC 8985 3]', () => {
    expect(exceptions(randoms(100, false), ({ timeouts }) => timeouts === 0)).toEqual([]);
  });

  it('a tenth of all that is ever sent may be lost: a timeout only if the last that left was lost, too [RFC 8985 3]', () => {
    expect(exceptions(randoms(100, true), ({ needless }) => needless === 0)).toEqual([]);
  });
});
