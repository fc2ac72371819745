import type { PacketBuffer } from '../../stack/bytes/packet-buffer.ts';
import type { Duration, Instant } from '../../stack/time.ts';

/** Where a frame goes: along the in-memory wire, or in or out of a device with a layer around it. */
export type FrameDirection = 'a→b' | 'b→a' | 'in' | 'out';

/** A frame on its way past a rule. */
export interface PassingFrame {
  /** How many frames went this way before it: counts from 0 in each direction. */
  readonly index: number;
  readonly direction: FrameDirection;
  readonly at: Instant;
  /** The bytes, for the time of the call. A rule of the in-memory wire may change them: they are its own copy. */
  readonly packet: PacketBuffer;
}

/** Let through, or lost. */
export type PassOrDrop = 'pass' | 'drop';

/** What is to become of a frame. */
export type Verdict =
  | PassOrDrop
  | {
      /** Arrives this much later than it would have. */
      readonly delay?: Duration;
      /** Arrives this many times more than once. */
      readonly duplicate?: number;
    };

/** Decides about each frame. */
export type FrameRule<Answer extends Verdict = Verdict> = (frame: PassingFrame) => Answer;
