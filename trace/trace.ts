/** The public door of `glasstack/trace`: readers of the trace. */
export { CaptureSink } from './capture-sink.ts';
export type { FrameSink } from '../stack/link/device.ts';
export { type CaptureOptions, captureTrace, type CaptureTracer } from './capture.ts';
export { type FoldedTrace, TraceFold } from './fold.ts';
export {
  type Fate,
  type Ladder,
  ladderOf,
  type LadderOptions,
  type LadderRemark,
  type LadderRow,
  type LadderSegment,
  type LadderState,
  type LinkLoss,
  type Side,
} from './ladder.ts';
export { ladderSvg, type LadderSvgOptions } from './ladder-svg.ts';
export { type FollowOptions, followLadder, ladderText, type LadderTextOptions } from './ladder-text.ts';
export { type PcapngInterface, type PcapngOptions, PcapngWriter } from './pcapng.ts';
export { TraceRecord } from './record.ts';
export { eventText, textTrace, type TextOptions } from './text.ts';
