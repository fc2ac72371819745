/**
 * Changes one expectation of a passing script: what a wrong stack would look like from the script's side. A script whose mutants
 * pass does not look closely enough (or the interpreter does not).
 */
import type {
  CallAction,
  Flags,
  NumberSpec,
  OptionSpec,
  Script,
  ScriptEvent,
  TcpBody,
} from '../../script/language/syntax.ts';
import type { OutboundEvent } from '../../script/run/expectations.ts';

/** The ten ways. */
export const MUTATIONS = [
  'flag',
  'sequence',
  'ack',
  'length',
  'option',
  'window',
  'time',
  'result',
  'removed',
  'added',
] as const;

export type Mutation = (typeof MUTATIONS)[number];

/** A changed script, and where. */
export interface Mutant {
  readonly mutation: Mutation;
  readonly line: number;
  readonly script: Script;
}

/** An expected TCP segment and its place in the script. */
interface Expected {
  readonly index: number;
  readonly event: OutboundEvent;
  readonly body: TcpBody;
}

/** One mutant in each way that the script allows; `choice` picks the expectation to change. */
export function mutantsOf(script: Script, choice: number): Mutant[] {
  return MUTATIONS.flatMap((mutation) => {
    const found = mutant(script, mutation, choice);
    return found === undefined ? [] : [found];
  });
}

function mutant(script: Script, mutation: Mutation, choice: number): Mutant | undefined {
  if (mutation === 'result') return mutateResult(script, choice);
  const all = expectedSegments(script);
  const candidates = all.filter((each) => applies(mutation, each, all));
  const chosen = candidates[choice % Math.max(1, candidates.length)];
  if (chosen === undefined) return undefined;
  const { index, event } = chosen;
  const events = [...script.events];
  if (mutation === 'removed') events.splice(index, 1, ...standIn(event));
  else if (mutation === 'added') events.splice(index + 1, 0, { ...event, time: AT_ONCE });
  else events[index] = changed(mutation, chosen);
  return { mutation, line: event.position.line, script: { ...script, events } };
}

const AT_ONCE = { kind: 'relative', from: 0, until: undefined } as const;

/** In place of a removed packet: time still passes, so that what comes later comes at its time. */
function standIn({ time, position }: OutboundEvent): ScriptEvent[] {
  if (time.kind === 'any') return [];
  const spec = { kind: time.kind, from: time.until ?? time.from, until: undefined };
  const action = { type: 'code', code: '', position } as const;
  return [{ time: spec, returnsAt: undefined, action, position, text: '(removed)' }];
}

function expectedSegments(script: Script): Expected[] {
  return script.events.flatMap((event, index) => {
    const { action } = event;
    if (action.type !== 'packet' || action.direction !== 'out' || action.body.kind !== 'tcp') return [];
    return [{ index, event: event as OutboundEvent, body: action.body }];
  });
}

/** Whether the change would be one: the number of a first SYN, say, is what the script calls it. */
function applies(mutation: Mutation, { index, event, body }: Expected, all: readonly Expected[]): boolean {
  switch (mutation) {
    case 'sequence':
      return body.sequence.mode !== 'any' && !body.flags.syn;
    case 'ack':
      return body.ack !== undefined && body.ack !== 'any';
    case 'option':
      return body.options.mode !== 'ignored';
    case 'time':
      return event.time.kind !== 'any' && event.time.until === undefined;
    case 'removed':
      // The line that names a connection's numbers cannot go; the rest of the script would be about nothing.
      return !body.flags.syn || all.some((each) => each.body.flags.syn && each.index < index);
    default:
      return true;
  }
}

function changed(mutation: Mutation, { event, body }: Expected): ScriptEvent {
  if (mutation === 'time' && event.time.kind !== 'any') {
    const { kind, from, until } = event.time;
    return { ...event, time: { kind, from: from + 1_000, until } };
  }
  return { ...event, action: { ...event.action, body: changedBody(mutation, body) } };
}

function changedBody(mutation: Mutation, body: TcpBody): TcpBody {
  const { sequence, flags, length, options } = body;
  switch (mutation) {
    case 'flag':
      return { ...body, flags: changedFlags(flags) };
    case 'sequence':
      return { ...body, sequence: { ...sequence, start: (sequence.start + 1) >>> 0 } };
    case 'ack':
      return { ...body, ack: plusOne(body.ack ?? 'any') };
    case 'length':
      return { ...body, length: length + 1 };
    case 'window':
      return { ...body, window: body.window === undefined ? { min: 13, max: 13 } : plusOne(body.window) };
    case 'option':
      return { ...body, options: { ...options, list: changedOptions(options.list) } };
    default:
      return body;
  }
}

function changedFlags(flags: Flags): Flags {
  if (flags.psh) return { ...flags, psh: false };
  return flags.fin ? { ...flags, fin: false } : { ...flags, psh: true };
}

function plusOne(spec: NumberSpec): NumberSpec {
  return spec === 'any' ? { min: 13, max: 13 } : { min: spec.max + 1, max: spec.max + 1 };
}

/** A wrong value for the first option that has one; without options, one that should not be there. */
function changedOptions(list: readonly OptionSpec[]): OptionSpec[] {
  const index = list.findIndex(
    ({ name }) => name === 'mss' || name === 'wscale' || name === 'TS' || name === 'sack',
  );
  if (index < 0) return [{ name: 'nop' }, { name: 'nop' }, { name: 'nop' }, { name: 'nop' }];
  return list.map((option, at) => {
    if (at !== index) return option;
    if (option.name === 'mss' || option.name === 'wscale') return { ...option, value: plusOne(option.value) };
    if (option.name === 'TS') return { ...option, echo: plusOne(option.echo) };
    if (option.name !== 'sack') return option;
    return { ...option, blocks: option.blocks.map(({ left, right }) => ({ left, right: right + 1 })) };
  });
}

/** Another result of a call: a wrong errno, or a number off by one. */
function mutateResult(script: Script, choice: number): Mutant | undefined {
  const calls = script.events.flatMap((event, index) => {
    const { action } = event;
    // What socket and accept return is the script's own number.
    if (action.type !== 'call' || /^(socket|accept)/.test(action.name) || action.result === undefined)
      return [];
    return [{ event, index, action }];
  });
  const failing = calls.filter(({ action }) => action.errno !== undefined);
  const candidates = failing.length > 0 ? failing : calls;
  const chosen = candidates[choice % Math.max(1, candidates.length)];
  if (chosen === undefined) return undefined;
  const events = [...script.events];
  events[chosen.index] = { ...chosen.event, action: otherResult(chosen.action) };
  return { mutation: 'result', line: chosen.event.position.line, script: { ...script, events } };
}

function otherResult(action: CallAction): CallAction {
  if (action.errno !== undefined) return { ...action, errno: action.errno === 'EBADF' ? 'EINVAL' : 'EBADF' };
  const value = action.result?.type === 'integer' ? action.result.value + 1 : 1;
  return { ...action, result: { type: 'integer', value, hex: false } };
}
