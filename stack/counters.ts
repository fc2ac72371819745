/** Counters of a host, with Linux's names (`/proc/net/snmp`, `/proc/net/netstat`) wherever Linux has one, so that people can look them up. */

import type { HostContext } from './context.ts';
import type { TcpState } from './tcp/states.ts';

/** What is counted; each with one sentence. */
export const COUNTERS = {
  ActiveOpens: 'connections opened by a call: CLOSED to SYN-SENT [RFC 4022 tcpActiveOpens]',
  PassiveOpens: 'connections taken up from LISTEN [RFC 4022 tcpPassiveOpens]',
  AttemptFails: 'handshakes that failed [RFC 4022 tcpAttemptFails]',
  EstabResets: 'connections that ended without both FINs [RFC 4022 tcpEstabResets]',
  InSegs: 'segments received, those in error included [RFC 4022 tcpInSegs]',
  OutSegs: 'segments sent, without those that were sent again [RFC 4022 tcpOutSegs]',
  RetransSegs: 'segments that were sent again [RFC 4022 tcpRetransSegs]',
  InErrs: 'segments with a bad checksum or a malformed header [RFC 4022 tcpInErrs]',
  OutRsts: 'segments sent with RST [RFC 4022 tcpOutRsts]',
  ListenOverflows: 'handshakes held up since the accept queue was full',
  ListenDrops: 'SYNs dropped by a listener, for whatever reason',
  TCPReqQFullDrop: 'SYNs dropped since the SYN queue was full and cookies are off',
  TCPReqQFullDoCookies: 'SYNs answered by a cookie since the SYN queue was full',
  SyncookiesSent: 'SYN-ACKs with a cookie [RFC 4987 3.6]',
  SyncookiesRecv: 'ACKs with a cookie that was right',
  SyncookiesFailed: 'ACKs taken for a cookie that was wrong or too old',
  TCPChallengeACK: 'challenge ACKs sent [RFC 5961]',
  TCPACKSkippedChallenge: 'challenge ACKs that the rate limit held back [RFC 5961 7]',
  TWRecycled: 'connections in TIME-WAIT that a newer SYN opened anew [RFC 9293 MAY-2]',
  TWRestored: 'connections back in TIME-WAIT, the SYN being an old duplicate [RFC 9293 MAY-2]',
  TCPTimeWaitOverflow: 'connections that left TIME-WAIT early, `timeWaitRecords` being reached',
  TCPAbortOnMemory: 'connections aborted since `maxMemory` was reached',
  TCPMemoryPressures: 'times that the host came under memory pressure',
  MemoryRefusals: 'connections refused for lack of memory',
  ConnectionRefusals: 'connections refused since `maxConnections` was reached',
  PruneCalled: 'out-of-order queues given up under memory pressure [RFC 2018 8]',
  OfoPruned: 'out-of-order segments not kept, the bound on the queue being reached',
  RstRateLimited: 'RSTs for unknown ports that the rate limit held back',
} as const;

/** The name of a counter. */
export type CounterName = keyof typeof COUNTERS;

/** How often each thing has happened. */
export type Counters = { [Name in CounterName]: number };

/** All counters at zero. */
export function noCounts(): Counters {
  const counters: Record<string, number> = {};
  for (const name of Object.keys(COUNTERS)) counters[name] = 0;
  return { ...counters } as Counters; // a copy has V8's fast properties, what was filled name by name has not
}

/** A limit was reached or a defence acted: counts it and tells the trace. */
export function reached(context: HostContext, limit: CounterName, connection: number = 0): void {
  context.counters[limit] += 1;
  const { tracer, now, name } = context;
  tracer?.({ type: 'limit', at: now, host: name, connection, limit });
}

/** A connection changed its state: counts what RFC 4022 counts. */
export function countTransition(counters: Counters, from: TcpState, to: TcpState): void {
  if (from === 'CLOSED' && to === 'SYN-SENT') counters.ActiveOpens += 1;
  else if (from === 'CLOSED' && to === 'SYN-RECEIVED') counters.PassiveOpens += 1;
  if (to !== 'CLOSED') return;
  if (from === 'SYN-SENT' || from === 'SYN-RECEIVED') counters.AttemptFails += 1;
  else if (from === 'ESTABLISHED' || from === 'CLOSE-WAIT') counters.EstabResets += 1;
}
