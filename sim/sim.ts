/** The deterministic world: time that passes when told to, seeded chance, and networks that do what the test says. */
export { VirtualClock, type VirtualClockOptions } from './virtual-clock.ts';
export { KeyedDice, seededRandom } from './random.ts';
export { delayFrames, dropFrames, dropWhen, duplicateFrames, FaultRule, rules } from './rules.ts';
export { wire, type WireDirection, type WireOptions } from '../device/wire.ts';
export type {
  FrameDirection,
  FrameRule,
  PassingFrame,
  PassOrDrop,
  Verdict,
} from '../device/layers/frame-rule.ts';
export { createWorld, World, type WorldHostOptions, type WorldOptions } from './world.ts';
export { isHostEvent, type WorldEvent } from './world-event.ts';
export { Flow, type FlowOptions } from './network/flow.ts';
export { WorldHost } from './network/host.ts';
export { Router } from './network/router.ts';
export { Switch } from './network/switch.ts';
export { dumbbell, type DumbbellOptions, pair, star, type StarOptions } from './network/topologies.ts';
export { Link, type LinkOptions } from './link/link.ts';
export type {
  Duplication,
  Impairments,
  Jitter,
  PathMtu,
  Rate,
  Reordering,
  Slots,
} from './link/impairments.ts';
export type { Distribution } from './link/distribution.ts';
export type { LossModel } from './link/loss.ts';
export type { Corruption } from './link/corruption.ts';
export {
  LINK_REASONS,
  type LinkActionEvent,
  type LinkDirection,
  type LinkEvent,
  type LinkLossEvent,
  type LinkReason,
} from './link/link-event.ts';
export { PacketView } from './link/packet-view.ts';
export { RuleHandle, type RuleOptions, type RuleVerdict } from './link/rule.ts';
export type { QueueOptions } from './queue/queue.ts';
export type { Middlebox, Passage } from './middlebox/middlebox.ts';
export { stripOptions } from './middlebox/option-stripping.ts';
export { clearEcnFlags, overwriteEcn } from './middlebox/ecn-meddling.ts';
export { clampMss } from './middlebox/mss-clamping.ts';
export { rewriteWindow } from './middlebox/window-rewriting.ts';
export { Nat, type NatOptions } from './middlebox/nat.ts';
export { Firewall, type FirewallOptions } from './middlebox/firewall.ts';
export { FaultPlan, type PlanEntry } from './plan.ts';
export { SimulationFailure } from './failure.ts';
export { INVARIANTS, type InvariantNumber } from './check/breach.ts';
export {
  runScenario,
  type RunOptions,
  type RunResult,
  type Scenario,
  type ScenarioContext,
  type ScenarioModule,
} from './scenario/scenario.ts';
export { livenessBound, type LivenessCase } from './scenario/liveness.ts';
export { assertDeterministic, checkDeterminism, type DeterminismResult } from './scenario/determinism.ts';
export { captureOf, ladderUpTo } from './scenario/drawing.ts';
export { configurationHash, failureReport, type ReportFacts } from './scenario/report.ts';
export { shrink, type Shrunk, type ShrinkOptions } from './scenario/shrink.ts';
export { impair, type ImpairLayerOptions } from './link/impair-layer.ts';
