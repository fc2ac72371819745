import type { Instant } from '../../stack/time.ts';
import type { PacketAction, ScriptEvent } from '../language/syntax.ts';
import { comparePacket, type FieldDifference } from '../packets/compare.ts';
import { readPacket, timestampsOf, type LivePacket } from '../packets/live-packet.ts';
import { renderPacket } from '../packets/render.ts';
import type { Track, Tracks } from './connections.ts';
import type { Plan } from './plan.ts';
import type { Findings } from './result.ts';
import type { Answer, Step } from './target.ts';
import type { Due, Timing } from './timing.ts';

/** Asks the target for a step, and takes in what has come. */
export type Ask = (step: Step) => Generator<Step, Answer, Answer>;

/** An outbound line with its event. */
export interface OutboundEvent extends ScriptEvent {
  readonly action: PacketAction;
}

/** Waits for the packets that a script expects, and compares them. */
export class Expectations {
  readonly #plan: Plan;
  readonly #tracks: Tracks;
  readonly #timing: Timing;
  readonly #findings: Findings;
  readonly #ask: Ask;

  constructor(plan: Plan, tracks: Tracks, timing: Timing, findings: Findings, ask: Ask) {
    this.#plan = plan;
    this.#tracks = tracks;
    this.#timing = timing;
    this.#findings = findings;
    this.#ask = ask;
  }

  /** Carries out an outbound line. `next`: the line behind it, if it is an outbound one too. */
  *expect(event: OutboundEvent, due: Due, next: OutboundEvent | undefined): Generator<Step, void, Answer> {
    const { failures } = this.#findings;
    const before = failures.length;
    this.#findings.checks += 1;
    yield* this.#expect(event, due, next);
    if (failures.length === before) return;
    const { info } = yield* this.#ask({ type: 'info' });
    if (info !== undefined) this.#findings.addVariables(before, info);
  }

  *#expect(event: OutboundEvent, due: Due, next: OutboundEvent | undefined): Generator<Step, void, Answer> {
    const { action } = event;
    const found = yield* this.#await(action, this.#timing.patience(due));
    if (found === undefined) {
      this.#missing(event, due);
      return;
    }
    const { queue, track } = found;
    this.#learn(action, found.packet, track);
    const packet = yield* this.#join(action, queue, track, this.#timing.patience(due));
    const differences = this.#compare(action, packet, track);
    if (differences.length > 0) {
      if (this.#skipUnexpected(action, packet, queue, track)) {
        yield* this.#expect(event, due, next);
        return;
      }
      if (next !== undefined && this.#isNext(next, packet, track)) {
        queue.unshift(packet);
        this.#missing(event, due);
        return;
      }
    }
    this.#judge(event, due, packet, track, differences);
  }

  /** The packet that has to be the expected one, out of its queue; undefined: none came. */
  *#await(
    action: PacketAction,
    until: Instant,
  ): Generator<
    Step,
    { packet: LivePacket; queue: LivePacket[]; track: Track | undefined } | undefined,
    Answer
  > {
    for (;;) {
      const track = action.body.kind === 'tcp' ? this.#tracks.outbound(action) : undefined;
      const queue = action.body.kind === 'tcp' ? track?.queue : this.#tracks.others;
      const packet = queue?.[0];
      if (packet !== undefined && queue !== undefined) return { packet, queue, track };
      const { packets, now } = yield* this.#ask({ type: 'packet', until });
      if (packets.length === 0 && (now >= until || !this.#plan.realTime)) return undefined;
    }
  }

  /** Takes the first packet, and those that continue it, until the script's length is reached. */
  *#join(
    action: PacketAction,
    queue: LivePacket[],
    track: Track | undefined,
    until: Instant,
  ): Generator<Step, LivePacket, Answer> {
    const { body } = action;
    let packet = queue.shift() ?? noPacket();
    if (body.kind !== 'tcp' || this.#plan.strictSegments) return packet;
    const size = packet.tcp?.payload.length ?? 0;
    if (size === 0) return packet;
    while (packet.tcp !== undefined && packet.tcp.payload.length < body.length) {
      if (queue.length === 0 && track !== undefined) yield* this.#ask({ type: 'packet', until });
      const next = queue[0];
      if (next === undefined || !continues(packet, next, size, body.length)) break;
      queue.shift();
      packet = joined(packet, next);
    }
    return packet;
  }

  /** What the script calls the numbers of this packet. */
  #learn({ body }: PacketAction, { tcp }: LivePacket, track: Track | undefined): void {
    if (tcp === undefined || track === undefined || body.kind !== 'tcp') return;
    const start = body.flags.syn ? body.sequence.start : 0;
    track.connection.learn(tcp, tcp.flags.syn ? start : undefined);
  }

  #learnTimestamp({ body }: PacketAction, { tcp }: LivePacket, track: Track | undefined): void {
    if (tcp === undefined || track === undefined || body.kind !== 'tcp') return;
    const stamps = timestampsOf(tcp.options);
    const expected = body.options.list.find((option) => option.name === 'TS');
    if (stamps === undefined || expected === undefined || expected.value === 'any') return;
    track.connection.learnTimestamp(expected.value.min, stamps.value);
  }

  #compare(action: PacketAction, packet: LivePacket, track: Track | undefined): FieldDifference[] {
    const { timestamps, settings } = this.#plan;
    const ticks = timestamps ? this.#timing.ticks(settings.tcp.timestampTick) : undefined;
    return comparePacket(action, packet, track?.connection, { ticks });
  }

  /** A packet behind `packet` is the expected one: what comes before it is unexpected. True if so; `packet` is done with then. */
  #skipUnexpected(
    action: PacketAction,
    packet: LivePacket,
    queue: LivePacket[],
    track: Track | undefined,
  ): boolean {
    const index = queue.findIndex((each) => this.#compare(action, each, track).length === 0);
    if (index < 0) return false;
    for (const each of [packet, ...queue.splice(0, index)]) this.unexpected(each, track);
    return true;
  }

  #isNext(next: OutboundEvent, packet: LivePacket, track: Track | undefined): boolean {
    return this.#compare(next.action, packet, track).length === 0;
  }

  #missing(event: OutboundEvent, due: Due): void {
    const { now } = this.#timing;
    this.#timing.now = (due.any ? now : Math.max(now, due.from)) as Instant;
    this.#findings.fail({
      kind: 'missing',
      message: 'the packet did not come',
      position: event.position,
      at: this.#timing.now,
      expected: event.text,
      actual: 'nothing',
    });
    this.#row(event, this.#timing.now, '(nothing)', false);
  }

  #judge(
    event: OutboundEvent,
    due: Due,
    packet: LivePacket,
    track: Track | undefined,
    differences: readonly FieldDifference[],
  ): void {
    const { position, text, action } = event;
    const rendered = prefixOf(action) + renderPacket(packet, track?.connection);
    if (differences.length > 0) {
      const message = `unexpected ${differences.map(({ field }) => field).join(', ')}`;
      const facts = { position, expected: text, actual: rendered, fields: differences, at: packet.at };
      this.#findings.fail({ kind: 'packet', message, ...facts });
    }
    this.#learnTimestamp(action, packet, track);
    const late = this.#timing.judge(due, packet.at);
    if (late !== undefined) {
      const fields = [{ field: 'time', ...late }];
      const message = `sent at the wrong time: ${late.actual}`;
      this.#findings.fail({
        kind: 'time',
        message,
        position,
        expected: text,
        actual: rendered,
        fields,
        at: packet.at,
      });
    }
    this.#row(event, packet.at, rendered, differences.length === 0 && late === undefined);
    this.#timing.now = Math.max(this.#timing.now, packet.at) as Instant;
  }

  /** A packet that no line speaks of. */
  unexpected(packet: LivePacket, track: Track | undefined): void {
    const rendered = renderPacket(packet, track?.connection);
    if (this.#plan.unexpected === 'warning') {
      this.#findings.warnings.push(`no line speaks of > ${rendered}`);
    } else {
      const message = 'a packet that no line speaks of';
      this.#findings.fail({
        kind: 'unexpected',
        message,
        at: packet.at,
        expected: 'nothing',
        actual: rendered,
      });
    }
    const ok = this.#plan.unexpected === 'warning';
    this.#findings.transcript.push({
      at: packet.at,
      line: undefined,
      direction: 'out',
      script: '',
      live: rendered,
      ok,
    });
  }

  #row({ position, text }: OutboundEvent, at: Instant, live: string, ok: boolean): void {
    this.#findings.transcript.push({ at, line: position.line, direction: 'out', script: text, live, ok });
    const captured = this.#findings.packets.findLast((each) => each.at === at && each.direction === 'out');
    captured?.comments.push(`line ${position.line}: ${text}${ok ? '' : ' (not as expected)'}`);
  }
}

/** What tells connections apart, as the line says it. */
function prefixOf({ connection, ports }: PacketAction): string {
  const name = connection === undefined ? '' : `conn ${connection} `;
  return ports === undefined ? name : `${name}${ports.source} > ${ports.destination} `;
}

/** Whether `next` goes on where `packet` ends, as the pieces of one large segment do. */
function continues(packet: LivePacket, next: LivePacket, size: number, wanted: number): boolean {
  const [a, b] = [packet.tcp, next.tcp];
  if (a === undefined || b === undefined || b.payload.length === 0) return false;
  const together = a.payload.length + b.payload.length;
  const alike =
    b.ack === a.ack &&
    b.window === a.window &&
    b.urgent === a.urgent &&
    b.headerLength === a.headerLength &&
    next.ip.headerLength === packet.ip.headerLength &&
    (['syn', 'rst', 'ack', 'urg', 'ece', 'ae'] as const).every((flag) => a.flags[flag] === b.flags[flag]);
  const sized = b.payload.length === size || (b.payload.length < size && together === wanted);
  return alike && sized && together <= wanted && b.sequence === (a.sequence + a.payload.length) >>> 0;
}

/** Number and CWR of the first, everything else of the last. */
function joined(first: LivePacket, last: LivePacket): LivePacket {
  if (first.tcp === undefined || last.tcp === undefined) return last;
  const payload = new Uint8Array(first.tcp.payload.length + last.tcp.payload.length);
  payload.set(first.tcp.payload);
  payload.set(last.tcp.payload, first.tcp.payload.length);
  const flags = { ...last.tcp.flags, cwr: first.tcp.flags.cwr };
  return { ...last, tcp: { ...last.tcp, sequence: first.tcp.sequence, flags, payload } };
}

function noPacket(): LivePacket {
  return readPacket(new Uint8Array(0), 0 as Instant);
}
