/** The table that smoltcp's `netsim` test prints, revision of 16 June 2026: bytes per second. One pair of seeds per cell. */

export const BUFFERS: readonly number[] = [128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768];
export const LOSSES: readonly number[] = [0, 0.001, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3];

/** Rows as `BUFFERS`, columns as `LOSSES`. */
export const SMOLTCP: readonly (readonly number[])[] = [
  [1279.98, 1255.76, 1054.15, 886.36, 538.66, 227.84, 33.99, 7.18],
  [2559.91, 2507.27, 2100.03, 1770.3, 1070.71, 468.24, 66.71, 14.35],
  [5119.63, 5011.95, 4172.36, 3531.57, 2098.73, 942.38, 144.73, 29.45],
  [10238.5, 10023.19, 8340.9, 7084.25, 4003.34, 1869.94, 290.74, 60.92],
  [17535.11, 17171.82, 14093.5, 11963.68, 7399.06, 3416.41, 690.5, 126.57],
  [35062.41, 33859.8, 26937.41, 21886.99, 14073.67, 7870.66, 1603.6, 401.79],
  [77374.28, 72992.18, 58490.74, 46527.73, 29421.45, 15515.23, 3737.2, 710.8],
  [161842.28, 159310.62, 127090.53, 104233.16, 55319.33, 27269.28, 7654.51, 1277.32],
  [322944.88, 314779.73, 219670.76, 166587.86, 76626.48, 37774.62, 6079.34, 1156.4],
];

/** Its second table: flows over 200 Mb/s, and the fairness index it reports; the tail-drop rate is about 0.44 throughout. */
export const SMOLTCP_FAIRNESS: readonly (readonly [number, number])[] = [
  [1, 1],
  [2, 0.9999],
  [4, 0.9997],
  [16, 0.9913],
  [32, 0.9759],
  [64, 0.9866],
];

/** What smoltcp reached in a cell. */
export function smoltcpRate(buffer: number, loss: number): number {
  const rate = SMOLTCP[BUFFERS.indexOf(buffer)]?.[LOSSES.indexOf(loss)];
  if (rate === undefined) throw new Error(`the table has no cell for buffer ${buffer} and loss ${loss}`);
  return rate;
}

/** Whether `rate` is what we want of a cell: higher at a loss of 1 % and more, else at most 5 % lower. */
export function isGood(buffer: number, loss: number, rate: number): boolean {
  const theirs = smoltcpRate(buffer, loss);
  return loss >= 0.01 ? rate > theirs : rate >= 0.95 * theirs;
}
