import type { Instant } from '../stack/time.ts';

/** A check of the world failed: an invariant, a rule that never struck, a program that did not get done. */
export class SimulationFailure extends Error {
  /** Names the check, the same whatever the seed: `invariant 3`, `rule`, `liveness`. */
  readonly check: string;
  /** Virtual time. */
  readonly at: Instant;
  /** Number of the trace event at which it was seen, from 0. */
  readonly event: number;
  /** The hosts it is about, for the ladder. */
  readonly hosts: readonly string[];

  constructor(
    check: string,
    message: string,
    where: { readonly at: Instant; readonly event: number; readonly hosts?: readonly string[] },
  ) {
    super(`${message} (${check}, event ${where.event}, ${(where.at / 1_000_000).toFixed(6)} s)`);
    this.name = 'SimulationFailure';
    this.check = check;
    this.at = where.at;
    this.event = where.event;
    this.hosts = where.hosts ?? [];
  }
}

/** What makes two failures the same: the check, or an error's kind and words with the numbers left out. */
export function failureKind(error: unknown): string {
  if (error instanceof SimulationFailure) return error.check;
  if (error instanceof Error) return `${error.name}: ${error.message.replaceAll(/\d+/g, 'n').slice(0, 120)}`;
  return String(error);
}
