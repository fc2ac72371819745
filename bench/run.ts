import type { Bench, Figures, Metric, Subject } from './bench.ts';

/** One row of the table: what came out of every round, by subject. */
export interface Row {
  readonly bench: string;
  readonly metric: Metric;
  readonly rounds: Readonly<Partial<Record<Subject, readonly number[]>>>;
  /** Why there are no figures, or not all. */
  readonly trouble?: string | undefined;
}

/** Lets the subjects take turns, so that what else the machine does falls on all of them; never throws. */
export async function runBench(
  bench: Bench,
  rounds: number,
  said: (text: string) => void = () => undefined,
): Promise<Row[]> {
  if (bench.missing !== undefined) return rowsOf(bench, new Map(), bench.missing);
  const taken: Map<Subject, Figures[]> = new Map();
  const troubles: string[] = [];
  for (let round = 0; round < Math.min(rounds, bench.mostRounds ?? rounds); round++) {
    for (const [subject, measure] of Object.entries(bench.subjects) as [Subject, () => Promise<Figures>][]) {
      try {
        const figures = await measure();
        taken.set(subject, [...(taken.get(subject) ?? []), figures]);
        said(`${bench.id} ${subject} ${JSON.stringify(figures)}`);
      } catch (error) {
        const trouble = `${subject}: ${error instanceof Error ? error.message : String(error)}`;
        troubles.push(trouble);
        said(`${bench.id} ${trouble}`);
      }
    }
  }
  return rowsOf(bench, taken, troubles.length === 0 ? undefined : troubles.join('; '));
}

function rowsOf(bench: Bench, taken: ReadonlyMap<Subject, readonly Figures[]>, trouble?: string): Row[] {
  return bench.metrics.map((metric) => {
    const rounds: Partial<Record<Subject, number[]>> = {};
    for (const [subject, figures] of taken) {
      rounds[subject] = figures.map((each) => each[metric.id]).filter((each) => each !== undefined);
    }
    return { bench: bench.id, metric, rounds, trouble };
  });
}

/** The middle one; of an even number the mean of the two in the middle; undefined of none. */
export function median(values: readonly number[]): number | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  const upper = sorted[sorted.length >>> 1];
  const lower = sorted[(sorted.length - 1) >>> 1];
  return upper === undefined || lower === undefined ? undefined : (upper + lower) / 2;
}

/** The median of a subject's rounds. */
export function figure(row: Row, subject: Subject): number | undefined {
  return median(row.rounds[subject] ?? []);
}

/** The median of the ratios, ours to theirs, of the rounds: what swings from round to round falls out. */
export function ratio(row: Row, peer: Subject): number | undefined {
  const theirs = row.rounds[peer] ?? [];
  const ratios: number[] = [];
  for (const [round, ours] of (row.rounds.glasstack ?? []).entries()) {
    const their = theirs[round];
    if (their !== undefined && their > 0) ratios.push(ours / their);
  }
  return median(ratios);
}
