import type { Duration } from '../../stack/time.ts';
import type { Middlebox } from '../middlebox/middlebox.ts';
import type { QueueOptions } from '../queue/queue.ts';
import type { Corruption } from './corruption.ts';
import type { Distribution } from './distribution.ts';
import type { LossModel } from './loss.ts';

/** A delay that varies. */
export interface Jitter {
  readonly distribution: Distribution;
  /** In µs: half the width (`uniform`), or the standard deviation. */
  readonly spread: Duration;
  /** With the draw before, 0..1; 0 at first. */
  readonly correlation?: number;
  /** Whether packets stay in order: what would overtake waits. False at first, as on a network with many paths. */
  readonly ordered?: boolean;
}

/** Copies of packets. */
export interface Duplication {
  /** Per packet, 0..1. */
  readonly p: number;
  /** Copies beside the original, 1 and up; 1 at first. */
  readonly copies?: number;
  /** How much later each copy arrives than the one before, in µs; 0 at first. */
  readonly delay?: Duration;
}

/** Packets that are held up while others pass them. */
export interface Reordering {
  /** Per candidate, 0..1. */
  readonly p: number;
  /** How long, in µs. */
  readonly delay: Duration;
  /** Every `gap`-th packet is a candidate; 1 (each) at first. */
  readonly gap?: number;
  /** With the draw before, 0..1; 0 at first. */
  readonly correlation?: number;
}

/** How fast the link is. */
export interface Rate {
  /** Bits a second, above 0. */
  readonly bitsPerSecond: number;
  /** Bytes that each packet takes beside its own (preamble, frame check sequence, gap); may be negative; 0 at first. */
  readonly overhead?: number;
  /** Bytes that may leave at once after idle time: the size of the token bucket; 0 (a plain link) at first. */
  readonly burst?: number;
}

/** A link that sends in slots of time only, as Wi-Fi and DOCSIS do. */
export interface Slots {
  /** From one slot to the next, at least and at most, in µs. */
  readonly minDelay: Duration;
  readonly maxDelay: Duration;
  /** What a slot carries; without a limit all that waits. */
  readonly packets?: number;
  readonly bytes?: number;
}

/** A limit on the size of packets that the devices at the ends know nothing of. */
export interface PathMtu {
  /** The largest IP packet in bytes, 68 and up. */
  readonly bytes: number;
  /**
   * `icmp`: the sender is told ("fragmentation needed"), and packets that may be fragmented are. `black-hole`: nobody is told.
   */
  readonly tooBig: 'icmp' | 'black-hole';
}

/** What a link does in one direction. Without any of these it carries everything at once. */
export interface Impairments {
  /** Time on the way, in µs; 0 at first. */
  readonly delay?: Duration;
  readonly jitter?: Jitter;
  /** A model, or just the probability of an independent loss, 0..1. */
  readonly loss?: LossModel | number;
  readonly corruption?: Corruption;
  readonly duplication?: Duplication;
  readonly reordering?: Reordering;
  readonly rate?: Rate;
  /** What waits for a link with a rate or slots; drop-tail of 1000 packets at first. */
  readonly queue?: QueueOptions;
  readonly slots?: Slots;
  readonly pathMtu?: PathMtu;
  /** Each packet passes them in this order. One that looks at both ways has to be given to both. */
  readonly middleboxes?: readonly Middlebox[];
}
