import { type SeqNumber, add, distance } from '../stack/tcp/sequence.ts';
import type { IpAddress } from '../stack/wire/address.ts';
import type { TcpHeader } from '../stack/wire/tcp.ts';

/** What has addresses and a TCP header: a segment event, say. */
export interface AddressedSegment {
  readonly source: IpAddress;
  readonly destination: IpAddress;
  readonly header: TcpHeader;
}

/** The names of a segment's numbers, counted from each side's initial sequence number. */
export interface RelativeNumbers {
  /** 0 is the SYN. */
  readonly seq: number;
  /** undefined: no ACK flag. */
  readonly ack: number | undefined;
  /** A sequence number of the peer (the edges of this segment's SACK blocks), counted likewise. */
  readonly ofPeer: (n: SeqNumber) => number;
}

const MOST_FLOWS = 8192;

/**
 * Counts sequence numbers from each side's SYN, as people read them. A flow whose SYN was not seen counts from its first
 * segment, as if that came right after the SYN.
 */
export class RelativeSequence {
  readonly #first: Map<string, SeqNumber> = new Map();

  /** Takes note of the segment, and gives its numbers. */
  of(segment: AddressedSegment): RelativeNumbers {
    const { header } = segment;
    const to = `${segment.source}:${header.sourcePort}>${segment.destination}:${header.destinationPort}`;
    const from = `${segment.destination}:${header.destinationPort}>${segment.source}:${header.sourcePort}`;
    // Who follows a host for days must not gather flows.
    if (this.#first.size > MOST_FLOWS) this.#first.clear();
    if (header.syn) this.#first.set(to, header.seq);
    // The RST for no connection begins no flow; its sequence number counts from itself.
    const own = header.rst ? (this.#first.get(to) ?? header.seq) : this.#start(to, add(header.seq, -1));
    // A RST without ACK says nothing of the peer; a bare SYN neither.
    if (header.ack === undefined) {
      return { seq: distance(own, header.seq) >>> 0, ack: undefined, ofPeer: (n) => n };
    }
    const peer = this.#start(from, add(header.ack, -1));
    return {
      seq: distance(own, header.seq) >>> 0,
      ack: distance(peer, header.ack) >>> 0,
      ofPeer: (n) => distance(peer, n) >>> 0,
    };
  }

  #start(flow: string, fallback: SeqNumber): SeqNumber {
    const known = this.#first.get(flow);
    if (known !== undefined) return known;
    this.#first.set(flow, fallback);
    return fallback;
  }
}
