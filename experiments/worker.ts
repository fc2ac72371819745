/** A worker process of `pool.ts`. */
import { type ManyFlows, manyFlows } from './netsim/many-flows.ts';
import { type LossyTransfer, lossyTransfer } from './netsim/lossy-transfer.ts';
import { type Sharing, sharing } from './fairness/sharing.ts';
import { type RecoveryCase, recovery } from './recovery/recovery.ts';
import type { Task } from './pool.ts';

const EXPERIMENTS: Readonly<Record<string, (job: never) => unknown>> = {
  'lossy-transfer': (job: LossyTransfer) => lossyTransfer(job),
  'many-flows': (job: ManyFlows) => manyFlows(job),
  sharing: (job: Sharing) => sharing(job),
  recovery: (job: readonly RecoveryCase[]) => job.map(recovery),
};

process.on('message', ({ experiment, job }: Task) => {
  try {
    const run = EXPERIMENTS[experiment];
    if (run === undefined) throw new Error(`there is no experiment ${experiment}`);
    process.send?.({ result: run(job as never) });
  } catch (error) {
    process.send?.({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
});
