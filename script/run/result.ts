import type { Instant } from '../../stack/time.ts';
import type { TraceEvent } from '../../stack/trace.ts';
import type { Position } from '../language/syntax.ts';
import type { FieldDifference } from '../packets/compare.ts';
import type { TcpInfo } from '../tcp-info.ts';

/** What went wrong at one place. */
export interface Failure {
  readonly kind: 'packet' | 'time' | 'missing' | 'unexpected' | 'call' | 'code' | 'check' | 'script';
  readonly message: string;
  /** The script's line; undefined for what no line speaks of. */
  readonly position: Position | undefined;
  /** When it was found out, in µs since the script's start. */
  readonly at: Instant;
  readonly expected: string | undefined;
  readonly actual: string | undefined;
  readonly fields: readonly FieldDifference[];
  /** The connection's variables at that moment, as `tcp_info` names them. */
  readonly variables: TcpInfo | undefined;
}

/** One line of the ladder: what the script says left, what happened right. */
export interface TranscriptRow {
  readonly at: Instant;
  readonly line: number | undefined;
  readonly direction: 'in' | 'out' | 'call' | 'note';
  readonly script: string;
  readonly live: string;
  readonly ok: boolean;
}

/** A packet that crossed the device. */
export interface CapturedPacket {
  readonly at: Instant;
  readonly direction: 'in' | 'out';
  readonly bytes: Uint8Array;
  readonly comments: string[];
}

/** What came of a script. */
export interface ScriptResult {
  readonly name: string;
  readonly status: 'passed' | 'failed' | 'unsupported' | 'error';
  readonly failures: readonly Failure[];
  readonly warnings: readonly string[];
  /** What its code blocks printed. */
  readonly printed: readonly string[];
  /** The first thing that cannot be run. */
  readonly unsupported: { readonly construct: string; readonly position: Position } | undefined;
  /** How many packets, calls, code blocks and times were judged. */
  readonly checks: number;
  /** µs of the script's time. */
  readonly duration: number;
  readonly seed: number | string;
  readonly target: 'stack' | 'kernel';
  readonly transcript: readonly TranscriptRow[];
  readonly packets: readonly CapturedPacket[];
  /** The stack's own trace, if it was asked for. */
  readonly trace: readonly TraceEvent[];
}

/** Gathers what is to be said about a run. */
export class Findings {
  readonly failures: Failure[] = [];
  readonly warnings: string[] = [];
  readonly printed: string[] = [];
  readonly transcript: TranscriptRow[] = [];
  readonly packets: CapturedPacket[] = [];
  checks: number = 0;

  /** Says what the connection's variables were at the failures from number `first` on. */
  addVariables(first: number, variables: TcpInfo): void {
    for (let index = first; index < this.failures.length; index++) {
      const failure = this.failures[index];
      if (failure !== undefined) this.failures[index] = { ...failure, variables };
    }
  }

  /** Notes a failure. */
  fail(failure: Partial<Failure> & Pick<Failure, 'kind' | 'message' | 'at'>): void {
    const nothing = {
      position: undefined,
      expected: undefined,
      actual: undefined,
      fields: [],
      variables: undefined,
    };
    this.failures.push({ ...nothing, ...failure });
  }
}
