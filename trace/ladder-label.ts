/** What stands at an arrow. */
import type { SendCause } from '../stack/trace.ts';
import { flagWords } from './describe.ts';
import type { LadderSegment } from './ladder.ts';

const CAUSE_WORDS: { readonly [cause in SendCause]?: string } = {
  'duplicate-ack': 'duplicate ACK',
  'challenge-ack': 'challenge ACK',
  'window-update': 'window update',
  'retransmit-timeout': 'retransmission (timeout)',
  'fast-retransmit': 'fast retransmission',
  'partial-ack-retransmit': 'retransmission (partial ACK)',
  'loss-probe': 'tail loss probe',
  'loss-probe-retransmit': 'tail loss probe (again)',
  'mtu-probe': 'path MTU probe',
  'mtu-retransmit': 'retransmission (path MTU)',
  'window-probe': 'window probe',
  'keepalive-probe': 'keep-alive',
};

/** `SYN seq=0 win=65535 mss=1460`, `ACK ack=1 win=512`, `PSH,ACK seq=1 ack=1 len=64240 ×44` */
export function arrowLabel(arrow: LadderSegment): string {
  const { header, length } = arrow;
  const words = flagWords(header);
  // Of data, ACK goes without saying.
  const parts = words === 'ACK' && length > 0 ? [] : [words];
  const takesSpace = length > 0 || header.syn || header.fin || header.rst;
  if (takesSpace || arrow.ack === undefined) parts.push(`seq=${arrow.seq}`);
  if (arrow.ack !== undefined) parts.push(`ack=${arrow.ack}`);
  if (length > 0) parts.push(`len=${length}`);
  if (arrow.pieces > 1) parts.push(`×${arrow.pieces}`);
  if (header.syn || !takesSpace || header.window === 0) parts.push(`win=${header.window}`);
  if (header.options.mss !== undefined) parts.push(`mss=${header.options.mss}`);
  if (header.options.sackPermitted) parts.push('sackOK');
  if (header.options.windowScale !== undefined) parts.push(`wscale=${header.options.windowScale}`);
  for (const [left, right] of arrow.sack) parts.push(`sack=${left}–${right}`);
  return parts.join(' ');
}

/** What is special about an arrow; undefined if nothing is. */
export function arrowMark(arrow: LadderSegment): string | undefined {
  if (arrow.duplicate) return 'duplicated by the network';
  if (arrow.unsent) return 'never sent by this end';
  if (arrow.reset !== undefined) return arrow.reset;
  const word = arrow.cause === undefined ? undefined : CAUSE_WORDS[arrow.cause];
  if (word !== undefined) return word;
  if (arrow.retransmission) return 'retransmission';
  return arrow.reordered ? 'overtaken' : undefined;
}

/** Of an arrow that came to nothing: who did it and why, in one line. */
export function arrowFate(arrow: LadderSegment): string | undefined {
  const who = arrow.by === undefined ? '' : ` by ${arrow.by}`;
  const why = arrow.reason === undefined ? '' : `: ${arrow.reason}: ${arrow.sentence ?? ''}`;
  if (arrow.fate === 'dropped') return `dropped${who}${why}`;
  if (arrow.fate === 'lost') return `lost${who === '' ? ' on the way' : who}${why}`;
  if (arrow.lostPieces > 0) return `${arrow.lostPieces} of ${arrow.pieces} lost${who}${why}`;
  return undefined;
}
