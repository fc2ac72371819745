/** What a script is run against: a host of ours in virtual time, or the kernel in real time. */

import type { Instant } from '../../stack/time.ts';
import type { LivePacket } from '../packets/live-packet.ts';
import type { CallOutcome, SystemCall } from '../system/system-call.ts';
import type { TcpInfo } from '../tcp-info.ts';

/** What the interpreter asks of the target. Instants count from the script's start. */
export type Step =
  /** Lets time pass until then. */
  | { readonly type: 'sleep'; readonly until: Instant }
  /** Lets time pass until packets have come, or until then, or until nothing more can happen. */
  | { readonly type: 'packet'; readonly until: Instant }
  | { readonly type: 'inject'; readonly bytes: Uint8Array }
  /** Begins a call. `blocking`: it may take its time; else it has to return at once. */
  | { readonly type: 'start'; readonly call: SystemCall; readonly blocking: boolean }
  /** Lets time pass until the call that waits has returned, or until then. */
  | { readonly type: 'result'; readonly until: Instant }
  /** Forgets the call that waits. */
  | { readonly type: 'cancel' }
  | { readonly type: 'info' };

/** What has happened by the time the step is done. */
export interface Answer {
  readonly now: Instant;
  /** What the target has sent since the last answer. */
  readonly packets: readonly LivePacket[];
  /** The call that was started, or one that was waiting, has returned. */
  readonly returned?: { readonly at: Instant; readonly outcome: CallOutcome };
  readonly info?: TcpInfo;
}

/** Carries out steps at once. */
export interface SyncTarget {
  perform(step: Step): Answer;
}

/** Carries out steps in its own time. */
export interface AsyncTarget {
  perform(step: Step): Promise<Answer>;
}

/** Runs what asks for steps against `target`. */
export function drive<Result>(steps: Generator<Step, Result, Answer>, target: SyncTarget): Result {
  let next = steps.next();
  while (next.done !== true) next = steps.next(target.perform(next.value));
  return next.value;
}

/** The same in real time. */
export async function driveAsync<Result>(
  steps: Generator<Step, Result, Answer>,
  target: AsyncTarget,
): Promise<Result> {
  let next = steps.next();
  // oxlint-disable-next-line no-await-in-loop -- each step depends on what came of the one before
  while (next.done !== true) next = steps.next(await target.perform(next.value));
  return next.value;
}
