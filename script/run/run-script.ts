import type { TraceEvent } from '../../stack/trace.ts';
import { parseScript } from '../language/parse-script.ts';
import type { Position, Script } from '../language/syntax.ts';
import { at, ScriptError, UnsupportedError } from '../script-error.ts';
import { Interpreter } from './interpreter.ts';
import { makePlan, type Plan, type PlanOptions } from './plan.ts';
import type { Instant } from '../../stack/time.ts';
import { Findings, type ScriptResult } from './result.ts';
import { StackTarget } from './stack-target.ts';
import { checkScript } from './static-check.ts';
import { drive } from './target.ts';

/** How to run a script. */
export interface RunOptions extends PlanOptions {
  /** How the results call it: the file's path. */
  readonly name?: string;
  /** The same seed gives the same bytes. */
  readonly seed?: number | string;
  /** Words and what stands for them. */
  readonly defines?: Readonly<Record<string, string>>;
  /** Names that `#ifdef` knows. */
  readonly symbols?: readonly string[];
  /** Whether to keep the stack's trace. */
  readonly trace?: boolean;
}

/** Runs a script against the stack, in virtual time. Never throws: what is wrong with the script is in the result. */
export function runScript(text: string, options: RunOptions = {}): ScriptResult {
  return guarded(options, 'stack', (facts) => {
    const script = parseScript(text, options);
    return runParsed(script, options, facts);
  });
}

/** The same for a script that was parsed, or built. */
export function runParsedScript(script: Script, options: RunOptions = {}): ScriptResult {
  return guarded(options, 'stack', (facts) => runParsed(script, options, facts));
}

/** What is wrong with a script without running it: `:3:5 expected …`; undefined: nothing. */
export function checkText(text: string, options: RunOptions = {}): string | undefined {
  try {
    const script = parseScript(text, options);
    checkScript(script, 'stack');
    makePlan(script, options);
    return undefined;
  } catch (error) {
    if (!(error instanceof ScriptError || error instanceof UnsupportedError)) throw error;
    return `:${at(error.position)} ${error.message}`;
  }
}

function runParsed(script: Script, options: RunOptions, facts: RunFacts): void {
  checkScript(script, 'stack');
  const plan = makePlan(script, options);
  const target = new StackTarget({
    settings: plan.settings,
    seed: options.seed ?? 1,
    mtu: plan.mtu,
    prefixLength: plan.prefixLength,
    defaults: plan,
    tracer: options.trace === true ? (event) => facts.trace.push(event) : undefined,
  });
  const interpreter = new Interpreter(script, plan);
  facts.begin(interpreter, plan);
  drive(interpreter.run(), target);
}

/** What is known of a run, however it ends. */
export class RunFacts {
  findings: Findings = new Findings();
  readonly trace: TraceEvent[] = [];
  #interpreter: Interpreter | undefined;

  /** The interpreter is there: its findings are the run's. */
  begin(interpreter: Interpreter, plan: Plan): void {
    this.#interpreter = interpreter;
    this.findings = interpreter.findings;
    this.findings.warnings.push(...plan.notes);
  }

  get clock(): Instant {
    return this.#interpreter?.clock ?? (0 as Instant);
  }

  /** A mistake in the script ends it. */
  wrong(error: ScriptError): void {
    const { message, position } = error;
    this.findings.fail({ kind: 'script', message, position, at: this.clock });
  }
}

function guarded(
  options: RunOptions,
  target: 'stack' | 'kernel',
  run: (facts: RunFacts) => void,
): ScriptResult {
  const facts = new RunFacts();
  try {
    run(facts);
    return resultOf(options, target, facts);
  } catch (error) {
    return resultOfError(options, target, facts, error);
  }
}

/** The result of a run that came to its end. */
export function resultOf(
  options: RunOptions,
  target: 'stack' | 'kernel',
  facts: RunFacts,
  unsupported?: { readonly construct: string; readonly position: Position },
  broken: boolean = false,
): ScriptResult {
  const { findings, trace, clock } = facts;
  const failed = findings.failures.length > 0;
  const ended = broken ? 'error' : failed ? 'failed' : 'passed';
  return {
    name: options.name ?? 'script',
    status: unsupported === undefined ? ended : 'unsupported',
    failures: findings.failures,
    warnings: findings.warnings,
    printed: findings.printed,
    unsupported,
    checks: findings.checks,
    duration: clock,
    seed: options.seed ?? 1,
    target,
    transcript: findings.transcript,
    packets: findings.packets,
    trace,
  };
}

/** The result of a run that an error ended; throws what is no script's fault. */
export function resultOfError(
  options: RunOptions,
  target: 'stack' | 'kernel',
  facts: RunFacts,
  error: unknown,
): ScriptResult {
  if (error instanceof UnsupportedError) {
    const { construct, position } = error;
    return resultOf(options, target, facts, { construct, position });
  }
  if (!(error instanceof ScriptError)) throw error;
  facts.wrong(error);
  return resultOf(options, target, facts, undefined, true);
}
