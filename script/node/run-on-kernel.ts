import { parseScript } from '../language/parse-script.ts';
import { Interpreter } from '../run/interpreter.ts';
import { makePlan, type Plan, type Tolerance } from '../run/plan.ts';
import type { ScriptResult } from '../run/result.ts';
import { resultOf, resultOfError, RunFacts, type RunOptions } from '../run/run-script.ts';
import { checkScript } from '../run/static-check.ts';
import { driveAsync } from '../run/target.ts';
import { UnsupportedError } from '../script-error.ts';
import { KernelTarget } from './kernel-target.ts';

/** Real timers have ticks of 4 ms, and other programs run meanwhile. */
export const KERNEL_TOLERANCE: Tolerance = { us: 15_000, percent: 12.5 };

/** A run that fails may have been disturbed by other work of the machine: so many are made at most. */
const ATTEMPTS = 3;

/** Runs a script against this machine's kernel, in real time, in a namespace of its own. Needs Linux, root and Python. */
export async function runOnKernel(text: string, options: RunOptions = {}): Promise<ScriptResult> {
  for (let attempt = 1; ; attempt++) {
    // oxlint-disable-next-line no-await-in-loop -- only if the one before failed
    const result = await runOnce(text, options);
    if (result.status !== 'failed' || attempt === ATTEMPTS) return result;
  }
}

async function runOnce(text: string, options: RunOptions): Promise<ScriptResult> {
  const facts = new RunFacts();
  try {
    const script = parseScript(text, options);
    checkScript(script, 'kernel');
    const asked = makePlan(script, options);
    if (asked.settings.profile.startsWith('freebsd'))
      throw new UnsupportedError('the profile freebsd on a Linux kernel', { line: 1, column: 1 });
    const tolerance = options.tolerance === 'original' ? asked.tolerance : KERNEL_TOLERANCE;
    const plan: Plan = { ...asked, tolerance, realTime: true };
    const interpreter = new Interpreter(script, plan);
    facts.begin(interpreter, plan);
    const target = await KernelTarget.open(plan);
    try {
      await driveAsync(interpreter.run(), target);
    } finally {
      await target.close();
    }
    return resultOf(options, 'kernel', facts);
  } catch (error) {
    return resultOfError(options, 'kernel', facts, error);
  }
}
