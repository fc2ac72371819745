import type { Counters } from './counters.ts';
import type { DropReason } from './drop-reasons.ts';
import type { Memory } from './memory.ts';
import type { Random } from './random.ts';
import type { Settings } from './settings.ts';
import type { Instant } from './time.ts';
import type { Tracer } from './trace.ts';

/** What every part of a host shares. */
export interface HostContext {
  readonly name: string;
  readonly settings: Settings;
  readonly random: Random;
  /** The present instant: read once per turn by the host, the same for all that happens in it. */
  readonly now: Instant;
  /** What has happened how often. */
  readonly counters: Counters;
  /** Packets dropped, by reason. */
  readonly drops: Map<DropReason, number>;
  /** What memory is used for. */
  readonly memory: Memory;
  /** Undefined: nobody reads the trace. */
  tracer: Tracer | undefined;
}
