import type { Instant } from '../../stack/time.ts';

/** From the first end of a link to the second one, or back. */
export type LinkDirection = 'a→b' | 'b→a';

/** Why a link lost a packet: names with a prefix of their own, beside the stack's drop reasons. */
export const LINK_REASONS = {
  LINK_LOSS: 'the link lost it, as its dice said',
  LINK_DOWN: 'the link was down',
  LINK_PARTITION: 'the network was partitioned between its source and its destination',
  LINK_RULE: 'a rule of the test took it',
  LINK_QUEUE_FULL: 'the queue before the link was full',
  LINK_RED: 'the queue was long, and RED chose it [RFC 2309]',
  LINK_CODEL: 'it had waited too long for too long, and CoDel dropped it [RFC 8289]',
  LINK_MTU: 'larger than the link takes, which the sender is told by ICMP [RFC 1191]',
  LINK_BLACK_HOLE: 'larger than the link takes, which nobody is told [RFC 2923]',
  LINK_TTL: 'its time to live was over, which the sender is told by ICMP [RFC 1812 5.3.1]',
  LINK_NO_ROUTE: 'the router has no way to its destination [RFC 1812 5.2.7.1]',
  LINK_MALFORMED: 'the router could not read its header [RFC 1812 5.2.2]',
  LINK_NAT: 'the address translator knows nothing of it',
  LINK_FIREWALL: 'the firewall knows no connection that it belongs to',
  LINK_UNPLUGGED: 'nobody is attached to the other end',
} as const;

/** The name of such a reason. */
export type LinkReason = keyof typeof LINK_REASONS;

/** A packet that a link, queue, router or middlebox did not carry on. `ladderOf` reads it. */
export interface LinkLossEvent {
  readonly type: 'link-loss';
  readonly at: Instant;
  /** The link, and which way. */
  readonly by: string;
  readonly reason: LinkReason;
  readonly sentence: string;
  readonly medium: 'ip' | 'ethernet';
  /** `bytes[head..tail)` is the packet. */
  readonly bytes: Uint8Array;
  readonly head: number;
  readonly tail: number;
  /** Its number in its direction. */
  readonly index: number;
}

/** Something else that a link did. */
export interface LinkActionEvent {
  readonly type: 'link';
  readonly at: Instant;
  readonly by: string;
  readonly action:
    | 'corrupt'
    | 'duplicate'
    | 'reorder'
    | 'mark'
    | 'hold'
    | 'release'
    | 'rewrite'
    | 'inject'
    | 'change';
  /** The packet's number in its direction; -1 if it is about none. */
  readonly index: number;
  readonly detail: string;
}

/** What links add to the trace. */
export type LinkEvent = LinkLossEvent | LinkActionEvent;
