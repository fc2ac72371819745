/** A time without progress: from and to, in milliseconds of the monotonic clock. */
export type Gap = readonly [from: number, to: number];

/** A sender's RTO over time: the moments at which it was seen changed, and the RTO from then on; both in milliseconds. */
export type RtoHistory = readonly (readonly [at: number, rto: number])[];

/** Gaps that are shorter do not count, in milliseconds: a stall is longer than any RTO. */
const SHORT = 10;
const KEPT = 8;

/** The time on the monotonic clock in milliseconds, the same for all processes. */
export function monotonic(): number {
  return Number(process.hrtime.bigint() / 1_000n) / 1_000;
}

/** The longest gaps in a receiver's progress. */
export class Progress {
  #last: number;
  #gaps: Gap[] = [];

  /** `from`: when the sender began. */
  constructor(from: number) {
    this.#last = from;
  }

  /** Something came. */
  moved(at: number): void {
    if (at - this.#last >= SHORT) {
      this.#gaps.push([this.#last, at]);
      if (this.#gaps.length > 4 * KEPT) this.#gaps = longest(this.#gaps);
    }
    this.#last = at;
  }

  /** The longest ones, longest first. */
  get gaps(): readonly Gap[] {
    return longest(this.#gaps);
  }
}

function longest(gaps: readonly Gap[]): Gap[] {
  return [...gaps].sort((a, b) => b[1] - b[0] - (a[1] - a[0])).slice(0, KEPT);
}

/** How long nothing came, and what that is in the sender's RTOs. */
export interface Stall {
  readonly ms: number;
  /** In RTOs of the moment when it began. */
  readonly rtos: number;
  /** In RTOs as they were backed off in the course of it [RFC 6298 5.5]. */
  readonly backedOff: number;
  /** The RTO that was in force when it began, in milliseconds. */
  readonly rto: number;
  readonly from: number;
  /** Of `ms`, how long our process did not get to run: counted as no stall. */
  readonly pause: number;
  /** Packets that the path lost meanwhile. */
  readonly lost: number;
}

/** What a stall is judged by. */
export interface Circumstances {
  readonly rto: RtoHistory;
  /** Times in which the machine did not let our process run, when nobody can make progress. */
  readonly pauses: readonly Gap[];
  /** When the path lost a packet. */
  readonly losses: readonly number[];
}

const NONE: Stall = { ms: 0, rtos: 0, backedOff: 0, rto: 0, from: 0, pause: 0, lost: 0 };

/** The longest of `gaps` in RTOs. */
export function worstStall(gaps: readonly Gap[], { rto, pauses, losses }: Circumstances): Stall {
  let worst = NONE;
  for (const gap of gaps) {
    const [from, to] = gap;
    const first = rtoAt(rto, from);
    if (first === 0) continue;
    const largest = Math.max(first, ...rto.filter(([at]) => at > from && at < to).map(([, value]) => value));
    const pause = pauses.reduce((sum, each) => sum + Math.max(0, overlap(each, gap)), 0);
    const net = to - from - pause;
    if (net / first <= worst.rtos) continue;
    const lost = losses.filter((at) => at > from && at < to).length;
    worst = { ms: to - from, rtos: net / first, backedOff: net / largest, rto: first, from, pause, lost };
  }
  return worst;
}

/** No stall may be longer, in RTOs. */
export const LONGEST = 3;

/** Whether a stall is longer than it may be only because a timeout's retransmission was lost, too, so that the sender had to back off. */
export function onlyBackedOff({ rtos, backedOff, lost }: Stall): boolean {
  return rtos > LONGEST && backedOff <= LONGEST && lost > 0;
}

/** What is wrong with a stall; undefined if nothing is. */
export function stallTrouble(stall: Stall): string | undefined {
  if (stall.rtos <= LONGEST || onlyBackedOff(stall)) return undefined;
  return `${Math.round(stall.ms)} ms without progress, ${stall.rtos.toFixed(1)} RTOs`;
}

function rtoAt(history: RtoHistory, at: number): number {
  return (history.findLast(([from]) => from <= at) ?? history[0])?.[1] ?? 0;
}

function overlap(a: Gap, b: Gap): number {
  return Math.min(a[1], b[1]) - Math.max(a[0], b[0]);
}
