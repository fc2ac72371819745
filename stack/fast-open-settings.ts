import { type Duration, seconds } from './time.ts';

/** Settings of TCP Fast Open [RFC 7413]; part of `TcpSettings`. */
export interface FastOpenSettings {
  /** In which roles a program's call may switch Fast Open on [RFC 7413 4.2: off by default]; `off`: in none [Linux tcp_fastopen]. */
  readonly fastOpen: 'off' | 'client' | 'server' | 'both';
  /** Connections of a listener that Fast Open may hold in SYN-RECEIVED: PendingFastOpenRequests [RFC 7413 4.2, 5.1]. */
  readonly fastOpenQueue: number;
  /** How long a Fast Open connection that a RST ended still counts among them [RFC 7413 5.1; Linux 60 s]. */
  readonly fastOpenResetHold: Duration;
  /** Key of the cookies, as Linux's tcp_fastopen_key has it ("4 groups of 8 hex digits"), for servers that share an address; empty: drawn. */
  readonly fastOpenKey: string;
  /** How long a drawn key makes cookies; they are taken for as long again [RFC 7413 4.1.2]; 0: for ever, as Linux. */
  readonly fastOpenKeyLifetime: Duration;
  /** Server addresses whose cookies are remembered, and paths on which Fast Open failed [RFC 7413 4.1.3]. */
  readonly fastOpenCache: number;
  /** How long Fast Open rests on a path where it failed; each time twice as long, up to 64 times [RFC 7413 4.1.3.1]. */
  readonly fastOpenRetry: Duration;
}

/** Those of the profile `standard`. */
export const FAST_OPEN: FastOpenSettings = {
  fastOpen: 'both',
  fastOpenQueue: 256,
  fastOpenResetHold: seconds(60),
  fastOpenKey: '',
  fastOpenKeyLifetime: seconds(24 * 3600),
  fastOpenCache: 1_024,
  fastOpenRetry: seconds(60),
};
