/** The states of RFC 9293 3.3.2, in its spelling. */
export type TcpState =
  | 'LISTEN'
  | 'SYN-SENT'
  | 'SYN-RECEIVED'
  | 'ESTABLISHED'
  | 'FIN-WAIT-1'
  | 'FIN-WAIT-2'
  | 'CLOSE-WAIT'
  | 'CLOSING'
  | 'LAST-ACK'
  | 'TIME-WAIT'
  | 'CLOSED';

/**
 * Every legal transition: RFC 9293 Figure 5, and what the text of 3.10 adds to it (marked). Each change of state is checked
 * against this table, and the state diagram is drawn from it.
 */
export const TRANSITIONS: { readonly [from in TcpState]: readonly TcpState[] } = {
  // SYN-RECEIVED: the connection that a listener makes for a SYN; TIME-WAIT: back, the SYN being an old duplicate (MAY-2)
  CLOSED: ['LISTEN', 'SYN-SENT', 'SYN-RECEIVED', 'TIME-WAIT'],
  LISTEN: ['SYN-RECEIVED', 'SYN-SENT', 'CLOSED'],
  'SYN-SENT': ['SYN-RECEIVED', 'ESTABLISHED', 'CLOSED'],
  'SYN-RECEIVED': ['ESTABLISHED', 'FIN-WAIT-1', 'CLOSE-WAIT', 'LISTEN', 'CLOSED'], // CLOSE-WAIT: 3.10.7.4, eighth check
  ESTABLISHED: ['FIN-WAIT-1', 'CLOSE-WAIT', 'CLOSED'],
  'FIN-WAIT-1': ['FIN-WAIT-2', 'CLOSING', 'TIME-WAIT', 'CLOSED'],
  'FIN-WAIT-2': ['TIME-WAIT', 'CLOSED'],
  'CLOSE-WAIT': ['LAST-ACK', 'CLOSED'],
  CLOSING: ['TIME-WAIT', 'CLOSED'],
  'LAST-ACK': ['CLOSED'],
  'TIME-WAIT': ['CLOSED'],
};

/** Whether data of the peer may still arrive. */
export function canReceive(state: TcpState): boolean {
  return state === 'ESTABLISHED' || state === 'FIN-WAIT-1' || state === 'FIN-WAIT-2';
}

/** Whether both sides have agreed on their sequence numbers [RFC 9293 3.3.2]. */
export function isSynchronized(state: TcpState): boolean {
  return state !== 'CLOSED' && state !== 'LISTEN' && state !== 'SYN-SENT' && state !== 'SYN-RECEIVED';
}
