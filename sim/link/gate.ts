import type { LinkReason } from './link-event.ts';
import type { LinkPacket } from './link-packet.ts';
import type { PacketView } from './packet-view.ts';
import type { RuleHandle } from './rule.ts';

/** What the gate of a lane can do with a packet. */
export interface GateWays {
  view(packet: LinkPacket): PacketView;
  lose(packet: LinkPacket, reason: LinkReason): void;
  /** Tells the trace. `index` -1: of no packet. */
  tell(action: 'change' | 'hold' | 'release' | 'rewrite', index: number, detail: string): void;
  /** The packet goes on, later by `delay` µs and with so many duplicates, as a rule says. */
  goOn(packet: LinkPacket, delay: number, duplicates: number): void;
}

interface Held {
  readonly packet: LinkPacket;
  /** undefined: the lane is clogged. */
  readonly rule: RuleHandle | undefined;
}

/** Where a lane begins: whether it is clogged or down, whether the network is partitioned, and what the rules say. */
export class Gate {
  /** Tells why a packet may not pass because of the network as a whole; undefined: it may. */
  barrier: ((view: PacketView) => LinkReason | undefined) | undefined;
  readonly #ways: GateWays;
  readonly #rules: readonly RuleHandle[];
  #down: boolean = false;
  #clogged: boolean = false;
  #held: Held[] = [];

  /** `rules`: a list that may grow. */
  constructor(rules: readonly RuleHandle[], ways: GateWays) {
    this.#rules = rules;
    this.#ways = ways;
  }

  /** Packets that are held. */
  get held(): number {
    return this.#held.length;
  }

  setDown(down: boolean): void {
    if (this.#down !== down) this.#ways.tell('change', -1, down ? 'down' : 'up');
    this.#down = down;
  }

  setClogged(clogged: boolean): void {
    if (this.#clogged !== clogged) this.#ways.tell('change', -1, clogged ? 'clogged' : 'unclogged');
    this.#clogged = clogged;
    if (!clogged) this.release(undefined, Number.POSITIVE_INFINITY);
  }

  /** Lets the oldest `count` packets go that `rule` (undefined: the clog) holds. */
  release(rule: RuleHandle | undefined, count: number): void {
    const free = this.#held.filter((held) => held.rule === rule).slice(0, count);
    if (free.length === 0) return;
    const going = new Set(free);
    this.#held = this.#held.filter((held) => !going.has(held));
    for (const { packet } of free) {
      this.#ways.tell('release', packet.index, 'released');
      if (rule === undefined) this.#pastClog(packet);
      else this.#ways.goOn(packet, 0, 0);
    }
  }

  enter(packet: LinkPacket): void {
    if (this.#clogged) this.#hold(packet, undefined);
    else this.#pastClog(packet);
  }

  #pastClog(packet: LinkPacket): void {
    const { view, lose, goOn, tell } = this.#ways;
    if (this.#down) return lose(packet, 'LINK_DOWN');
    const barrier = this.barrier?.(view(packet));
    if (barrier !== undefined) return lose(packet, barrier);
    for (const rule of this.#rules) {
      const verdict = rule.judge(view(packet));
      if (verdict === 'pass') continue;
      if (verdict === 'drop') return lose(packet, 'LINK_RULE');
      if (verdict === 'hold') return this.#hold(packet, rule);
      verdict.edit?.(view(packet));
      if (verdict.edit !== undefined) tell('rewrite', packet.index, `rule "${rule.name}"`);
      return goOn(packet, verdict.delay ?? 0, verdict.duplicate ?? 0);
    }
    goOn(packet, 0, 0);
  }

  #hold(packet: LinkPacket, rule: RuleHandle | undefined): void {
    this.#ways.tell('hold', packet.index, rule === undefined ? 'clogged' : `rule "${rule.name}"`);
    this.#held.push({ packet, rule });
  }
}
