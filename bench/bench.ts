/** What the figures are of: us, and who runs beside us in the same run. */
export type Subject = 'glasstack' | 'kernel' | 'node' | 'bun';

/** One measurement: a number for each metric of the bench, by the metric's id. */
export type Figures = Readonly<Record<string, number>>;

/** What `performance.md` asks for: a figure, or a share of a peer's figure in the same run. */
export interface Goal {
  readonly at: number;
  readonly times?: Subject;
}

/** One row of the table. */
export interface Metric {
  readonly id: string;
  readonly title: string;
  readonly unit: string;
  /** Bytes and seconds. */
  readonly lowerIsBetter?: boolean;
  /** The first goal and the next one. */
  readonly goals: readonly Goal[];
}

/** What is measured together: one or several rows, for each subject. */
export interface Bench {
  readonly id: string;
  readonly metrics: readonly Metric[];
  /** Rounds at most, where a measurement takes long. */
  readonly mostRounds?: number;
  /** Why it cannot be measured here. */
  readonly missing?: string | undefined;
  /** In the order in which they take turns. */
  readonly subjects: Readonly<Partial<Record<Subject, () => Promise<Figures>>>>;
}

/** A measurement that runs in a process of its own (`child.ts`), by its name in `measures.ts`. */
export type Measure = (options: MeasureOptions) => Promise<Figures>;

/** What a measurement is told; each reads what concerns it. */
export interface MeasureOptions {
  /** Seconds before the measuring begins, and of measuring. */
  readonly warmUp: number;
  readonly seconds: number;
  /** Super-segments and checksums left to the wire. */
  readonly offload?: boolean;
  /** Connections in all, or at a time. */
  readonly connections?: number;
}
