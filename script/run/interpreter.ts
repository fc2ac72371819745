import type { Instant } from '../../stack/time.ts';
import { parseCode, type Statement } from '../code/parse-code.ts';
import { type CodeValue, runCode } from '../code/evaluate.ts';
import { formatCall } from '../language/format.ts';
import type { CallAction, CodeAction, PacketAction, Script, ScriptEvent } from '../language/syntax.ts';
import { buildPacket } from '../packets/build.ts';
import { packetProblems } from '../packets/checks.ts';
import { readPacket, type LivePacket } from '../packets/live-packet.ts';
import { renderPacket } from '../packets/render.ts';
import { UnsupportedError } from '../script-error.ts';
import { systemCall, type CallOutcome } from '../system/system-call.ts';
import { CODE_CONSTANTS, type TcpInfo } from '../tcp-info.ts';
import { describeCall, judgeCall } from './calls.ts';
import { type Track, Tracks } from './connections.ts';
import { Expectations, type OutboundEvent } from './expectations.ts';
import type { Plan } from './plan.ts';
import { Findings } from './result.ts';
import type { Answer, Step } from './target.ts';
import { Timing } from './timing.ts';

/** A blocking call is waited for so long beyond its time. */
const PATIENCE = 2_000_000;

/** A call that has begun and not returned yet. */
interface Pending {
  readonly event: ScriptEvent;
  readonly action: CallAction;
  readonly due: Instant;
  readonly since: Instant;
}

/** Runs a script: says step by step what the target is to do, and judges what comes of it. */
export class Interpreter {
  readonly findings: Findings = new Findings();
  readonly #script: Script;
  readonly #plan: Plan;
  readonly #tracks: Tracks;
  readonly #timing: Timing;
  readonly #expectations: Expectations;
  readonly #variables: Map<string, CodeValue> = new Map();
  /** What the target last said its time was. */
  #clock: Instant = 0 as Instant;
  /** A router named an MTU below what is believed: then packets may be cut [RFC 1191 3]. */
  #mayFragment: boolean = false;
  #pending: Pending | undefined;
  #returned: Answer['returned'] | undefined;

  constructor(script: Script, plan: Plan) {
    this.#script = script;
    this.#plan = plan;
    this.#tracks = new Tracks(plan.bindPort, (packet, track) => this.#checkSent(packet, track));
    this.#timing = new Timing(plan.tolerance);
    const ask = (step: Step): Generator<Step, Answer, Answer> => this.#ask(step);
    this.#expectations = new Expectations(plan, this.#tracks, this.#timing, this.findings, ask);
  }

  /** What the target's clock shows. */
  get clock(): Instant {
    return this.#clock;
  }

  /** All events, one after the other, and what is left at the end. */
  *run(): Generator<Step, void, Answer> {
    const { events } = this.#script;
    for (const [index, event] of events.entries()) yield* this.#event(event, events[index + 1]);
    yield* this.#finishPending();
    const end = (Math.max(this.#clock, this.#timing.now) + this.#plan.linger) as Instant;
    yield* this.#ask({ type: 'sleep', until: end });
    for (const { packet, track } of this.#tracks.leftOver()) this.#expectations.unexpected(packet, track);
  }

  *#event(event: ScriptEvent, next: ScriptEvent | undefined): Generator<Step, void, Answer> {
    const { action } = event;
    const due = this.#timing.due(event.time, action.type === 'packet' && action.direction === 'in');
    if (isOutbound(event)) {
      const after = next !== undefined && isOutbound(next) ? next : undefined;
      yield* this.#expectations.expect(event, due, after);
      return;
    }
    if (action.type === 'call') yield* this.#finishPending(due.from);
    yield* this.#ask({ type: 'sleep', until: due.from });
    const returnDue =
      event.returnsAt === undefined ? undefined : this.#timing.returnDue(event.time, event.returnsAt);
    this.#timing.now = Math.max(this.#clock, due.from) as Instant;
    switch (action.type) {
      case 'packet':
        yield* this.#inject(event, action);
        break;
      case 'call':
        yield* this.#call(event, action, returnDue);
        break;
      case 'code':
        yield* this.#code(event, action);
        break;
      case 'shell':
        throw new UnsupportedError(
          'a command in the middle of a script: settings come first',
          event.position,
        );
    }
  }

  /** A step, and what came of it: packets go to their connections. */
  *#ask(step: Step): Generator<Step, Answer, Answer> {
    const answer = yield step;
    this.#clock = answer.now;
    if (answer.returned !== undefined) this.#returned = answer.returned;
    for (const packet of answer.packets) this.#arrived(packet);
    return answer;
  }

  #arrived(packet: LivePacket): void {
    this.findings.packets.push({ at: packet.at, direction: 'out', bytes: packet.bytes, comments: [] });
    for (const problem of packetProblems(packet, this.#plan.mtu, this.#mayFragment))
      this.#problem(packet, undefined, problem);
    this.#tracks.arrived(packet);
  }

  #checkSent(packet: LivePacket, track: Track): void {
    if (packet.tcp === undefined) return;
    for (const problem of track.checks.sent(packet.tcp)) this.#problem(packet, track, problem);
  }

  #problem(packet: LivePacket, track: Track | undefined, message: string): void {
    const actual = renderPacket(packet, track?.connection);
    this.findings.fail({ kind: 'check', message, at: packet.at, actual });
  }

  *#inject(event: ScriptEvent, action: PacketAction): Generator<Step, void, Answer> {
    const track = this.#tracks.inbound(action);
    const { connection } = track;
    const { body } = action;
    const syn = body.kind === 'tcp' && body.flags.syn;
    if (syn && body.sequence.mode === 'mapped') connection.remoteSyn(body.sequence.start);
    const addresses = { remote: this.#plan.remote, local: this.#plan.local };
    const bytes = buildPacket(action, connection, addresses, event.position);
    const packet = readPacket(bytes, this.#clock);
    if (body.kind === 'icmp' && (body.mtu ?? Infinity) < this.#plan.settings.ip.minPathMtu)
      this.#mayFragment = true;
    const valid = action.ip.wrong.length === 0;
    if (packet.tcp !== undefined && valid && body.kind !== 'raw') track.checks.injected(packet.tcp);
    const { line } = event.position;
    const row = { at: this.#clock, line, direction: 'in', script: event.text, live: '', ok: true } as const;
    this.findings.transcript.push(row);
    const comments = [`line ${line}: ${event.text}`];
    this.findings.packets.push({ at: this.#clock, direction: 'in', bytes, comments });
    yield* this.#ask({ type: 'inject', bytes });
  }

  *#call(event: ScriptEvent, action: CallAction, due: Instant | undefined): Generator<Step, void, Answer> {
    const call = systemCall(action, event.position);
    this.findings.checks += 1;
    if (action.name === 'socket') this.#tracks.newSocket();
    const since = this.#timing.now;
    yield* this.#ask({ type: 'start', call, blocking: due !== undefined });
    const returned = this.#takeReturned();
    if (due !== undefined) {
      this.#pending = { event, action, due, since };
      if (returned !== undefined) this.#judgePending(this.#pending, returned);
      return;
    }
    if (returned !== undefined) {
      this.#judge(event, action, returned.outcome);
      return;
    }
    yield* this.#ask({ type: 'cancel' });
    const hint = 'the call blocks: say until when (+0...0.1), or make the socket non-blocking';
    this.#callFailed(event, hint, event.text, 'it does not return');
  }

  #takeReturned(): Answer['returned'] | undefined {
    const returned = this.#returned;
    this.#returned = undefined;
    return returned;
  }

  /** One call blocks at a time: what is under way has to end before the next one (at `before`) begins. */
  *#finishPending(before?: Instant): Generator<Step, void, Answer> {
    const pending = this.#pending;
    if (pending === undefined) return;
    const until = (Math.max(pending.due, before ?? 0, this.#clock) + PATIENCE) as Instant;
    if (this.#returned === undefined) yield* this.#ask({ type: 'result', until });
    const returned = this.#takeReturned();
    if (returned !== undefined) {
      this.#judgePending(pending, returned);
      return;
    }
    this.#pending = undefined;
    yield* this.#ask({ type: 'cancel' });
    this.#callFailed(pending.event, 'the call did not return', pending.event.text, 'nothing');
  }

  #judgePending(
    { event, action, due, since }: Pending,
    returned: { at: Instant; outcome: CallOutcome },
  ): void {
    this.#pending = undefined;
    this.#judge(event, action, returned.outcome);
    const late = this.#timing.judge({ from: due, until: due, any: false }, returned.at);
    if (late === undefined || Math.abs(returned.at - due) <= this.#timing.allowed(due, since)) return;
    this.findings.fail({
      kind: 'time',
      message: `the call returned at the wrong time: ${late.actual}`,
      position: event.position,
      at: returned.at,
      expected: event.text,
      actual: describeCall(action, returned.outcome),
      fields: [{ field: 'return time', ...late }],
    });
  }

  #judge(event: ScriptEvent, action: CallAction, outcome: CallOutcome): void {
    const wrong = judgeCall(action, outcome, event.position);
    const live = describeCall(action, outcome);
    const { line } = event.position;
    const script = event.text;
    const ok = wrong === undefined;
    this.findings.transcript.push({
      at: this.#clock,
      line,
      direction: 'call',
      script,
      live: ok ? '' : live,
      ok,
    });
    if (wrong === undefined) return;
    this.findings.fail({
      kind: 'call',
      message: `unexpected ${wrong.what} of ${action.name}`,
      position: event.position,
      at: this.#clock,
      expected: formatCall(action),
      actual: live,
      fields: [{ field: wrong.what, expected: wrong.expected, actual: wrong.actual }],
    });
  }

  #callFailed(event: ScriptEvent, message: string, expected: string, actual: string): void {
    const { position } = event;
    this.findings.fail({ kind: 'call', message, position, at: this.#clock, expected, actual });
    const row = { at: this.#clock, line: position.line, direction: 'call', script: event.text } as const;
    this.findings.transcript.push({ ...row, live: actual, ok: false });
  }

  *#code(event: ScriptEvent, action: CodeAction): Generator<Step, void, Answer> {
    const statements: readonly Statement[] = parseCode(action.code, action.position);
    this.findings.checks += 1;
    const { info = {} } = yield* this.#ask({ type: 'info' });
    const { printed, failures } = runCode(statements, { variables: this.#variables, lookUp: lookUpIn(info) });
    this.findings.printed.push(...printed);
    const row = { at: this.#clock, line: event.position.line, direction: 'note', live: '' } as const;
    this.findings.transcript.push({ ...row, script: event.text, ok: failures.length === 0 });
    for (const { message, position } of failures) {
      this.findings.fail({ kind: 'code', message, position, at: this.#clock });
    }
  }
}

function lookUpIn(info: TcpInfo): (name: string, position: ScriptEvent['position']) => number | undefined {
  return (name, position) => {
    const value = CODE_CONSTANTS[name] ?? info[name];
    if (value === undefined && /^(tcpi_|SK_MEMINFO)/.test(name))
      throw new UnsupportedError(`the name ${name}`, position);
    return value;
  };
}

function isOutbound(event: ScriptEvent): event is OutboundEvent {
  return event.action.type === 'packet' && event.action.direction === 'out';
}
