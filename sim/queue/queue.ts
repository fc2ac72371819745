import type { Instant } from '../../stack/time.ts';
import type { LinkReason } from '../link/link-event.ts';
import type { LinkPacket } from '../link/link-packet.ts';
import type { CoDelOptions } from './codel.ts';
import type { FqCoDelOptions } from './fq-codel.ts';
import type { RedOptions } from './red.ts';

/** A plain queue that drops what does not fit. */
export interface DropTailOptions {
  readonly discipline: 'drop-tail';
  /** Limits; without any, 1000 packets. */
  readonly packets?: number;
  readonly bytes?: number;
}

/** Which queue stands before a link. */
export type QueueOptions = DropTailOptions | RedOptions | CoDelOptions | FqCoDelOptions;

/** Packets that wait for a link. */
export interface Queue {
  /** Takes a packet, or tells `QueueEnvironment.lose` of one that it drops. */
  enqueue(packet: LinkPacket, now: Instant): void;
  /** The next packet; undefined if none waits. */
  dequeue(now: Instant): LinkPacket | undefined;
  /** How many wait, and their bytes. */
  readonly packets: number;
  readonly bytes: number;
}

/** What a queue may ask for. */
export interface QueueEnvironment {
  /** The packet is lost. */
  lose(packet: LinkPacket, reason: LinkReason): void;
  /** Sets "congestion experienced" [RFC 3168 5]; false if the packet is not ECN-capable. */
  mark(packet: LinkPacket): boolean;
  /** Whether something of `probability` (0..1) happens to the packet; the plan may know better. */
  chance(packet: LinkPacket, probability: number): boolean;
  /** A number that depends on the seed, 0..2^32-1: for hashes. */
  readonly perturbation: number;
  readonly medium: 'ip' | 'ethernet';
}

/** First in, first out, without a limit: what the disciplines are made of. */
export class Fifo {
  #waiting: (LinkPacket | undefined)[] = [];
  #first: number = 0;
  bytes: number = 0;

  get packets(): number {
    return this.#waiting.length - this.#first;
  }

  push(packet: LinkPacket): void {
    this.#waiting.push(packet);
    this.bytes += packet.packet.length;
  }

  shift(): LinkPacket | undefined {
    const packet = this.#waiting[this.#first];
    if (packet === undefined) return undefined;
    this.#waiting[this.#first] = undefined;
    this.#first += 1;
    if (this.#first > 64 && this.#first * 2 > this.#waiting.length) {
      this.#waiting = this.#waiting.slice(this.#first);
      this.#first = 0;
    }
    this.bytes -= packet.packet.length;
    return packet;
  }
}
