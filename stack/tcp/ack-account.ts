import type { Duration, Instant } from '../time.ts';

/** What one ACK has told so far. */
export interface AckAccount {
  now: Instant;
  minRtt: Duration | undefined;
  echo: number | undefined;
  delivered: number;
  lost: number;
  dsack: boolean;
  /** It delivered something that was out when the timer went off and was never sent again [RFC 5682 3.1]. */
  original: boolean;
}

/** Nothing told yet. */
export function noAccount(): AckAccount {
  return {
    now: 0 as Instant,
    minRtt: undefined,
    echo: undefined,
    delivered: 0,
    lost: 0,
    dsack: false,
    original: false,
  };
}
