import { createWorld, type World } from '../sim/sim.ts';
import type { WorldHost } from '../sim/network/host.ts';

/** A world for measuring: no trace is kept and nothing is checked (tests do that), so that a run takes a tenth of the time. */
export function quietWorld(seed: number | string): World {
  return createWorld({ seed, record: false, checks: false, maxEvents: 1_000_000_000 });
}

/** The hosts' own traces, which are most of what a world costs. */
export function silence(...hosts: readonly WorldHost[]): void {
  for (const { host } of hosts) host.tracer = undefined;
}
