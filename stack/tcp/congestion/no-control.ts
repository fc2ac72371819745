import type { CongestionControl, CongestionDetails } from './congestion-control.ts';

/** No window of any peer is larger: 2^16 - 1 with a scale of 14 [RFC 7323 2.3]. */
const LARGEST_WINDOW = 0xffff * 2 ** 14;

/**
 * No congestion control: the peer's window alone limits what is in flight, whatever is lost. For measuring, and for links of one's own:
 * on a shared network it takes what others leave free and more, and RFC 9293 forbids it (MUST-19). Recovery of losses is the same as
 * with the others.
 */
export class NoControl implements CongestionControl {
  readonly name: string = 'none';
  readonly cwnd: number = LARGEST_WINDOW;
  readonly ssthresh: number = LARGEST_WINDOW;
  readonly pacingRate: number | undefined = undefined;
  readonly ownsWindow: boolean = true;

  established(): void {}
  mssChanged(): void {}
  acknowledged(): void {}
  enterRecovery(): void {}
  duplicateAck(): void {}
  partialAck(): void {}
  exitRecovery(): void {}
  timeout(): void {}
  restartAfterIdle(): void {}
  undo(): void {}

  details(): CongestionDetails {
    return {};
  }
}
