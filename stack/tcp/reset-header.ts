import { BARE_HEADER, type TcpHeader } from '../wire/tcp.ts';
import { type SeqNumber, seq } from './sequence.ts';

/** The header of a RST for a segment that no connection takes and that ends at `end` [RFC 9293 3.10.7.1]. */
export function resetHeader(of: TcpHeader, end: SeqNumber): TcpHeader {
  return {
    ...BARE_HEADER,
    sourcePort: of.destinationPort,
    destinationPort: of.sourcePort,
    seq: of.ack ?? seq(0),
    ack: of.ack === undefined ? end : undefined,
    rst: true,
  };
}
