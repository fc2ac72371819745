import type { DropReason } from '../drop-reasons.ts';
import type { TcpConnection } from './connection.ts';
import type { IcmpErrorKind } from './events.ts';
import { type SeqNumber, gt, lt } from './sequence.ts';
import { packetTooBig } from './path-mtu.ts';
import { isSynchronized } from './states.ts';

/** Errors that say that the destination will not work [RFC 9293 3.9.2.2: unreachable, codes 2 to 4; RFC 1122 4.2.3.9]. */
const HARD: readonly IcmpErrorKind[] = ['protocol-unreachable', 'port-unreachable', 'admin-prohibited'];

/**
 * An ICMP error quotes a segment of `connection` with sequence number `quoted` [RFC 9293 3.9.2.2, MUST-54]. One that lies outside of what
 * is in flight is forged or stale [RFC 5927 4]. Hard errors end an attempt to connect; once synchronized they are soft, since anybody can
 * forge them [RFC 5927 5.2], unless the settings want it by the letter [SHLD-26]; soft ones are made known and never abort [MUST-56, SHLD-25].
 */
export function icmpErrorArrives(
  connection: TcpConnection,
  kind: IcmpErrorKind,
  quoted: SeqNumber,
  mtu: number,
): DropReason | undefined {
  const { sender } = connection;
  if (lt(quoted, sender.una) || gt(quoted, sender.nxt)) return 'TCP_INVALID_SEQUENCE';
  if (kind === 'fragmentation-needed') {
    return isSynchronized(connection.state) ? packetTooBig(connection, mtu) : 'PKT_TOO_BIG';
  }
  const synchronized = isSynchronized(connection.state);
  const aborts =
    connection.state === 'SYN-SENT' || (synchronized && connection.context.settings.tcp.hardErrorsAbort);
  if (aborts && HARD.includes(kind)) {
    const reason = kind === 'port-unreachable' && !synchronized ? 'refused' : 'unreachable';
    connection.tell({ type: 'closed', reason, detail: kind });
    connection.finish(reason, `ICMP ${kind}`);
    return undefined;
  }
  if (!synchronized && connection.passive) return undefined;
  connection.tell({ type: 'soft-error', what: kind });
  return undefined;
}
