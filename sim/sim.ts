/** The deterministic world: time that passes when told to, seeded chance, and a wire that does what the test says. */
export { VirtualClock, type VirtualClockOptions } from './virtual-clock.ts';
export { seededRandom } from './random.ts';
export { delayFrames, dropFrames, dropWhen, duplicateFrames, FaultRule, rules } from './rules.ts';
export { wire, type WireDirection, type WireOptions } from '../device/wire.ts';
export type {
  FrameDirection,
  FrameRule,
  PassingFrame,
  PassOrDrop,
  Verdict,
} from '../device/layers/frame-rule.ts';
