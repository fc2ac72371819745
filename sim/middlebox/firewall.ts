import { PacketBuffer } from '../../stack/bytes/packet-buffer.ts';
import * as ipv4 from '../../stack/wire/ipv4.ts';
import * as tcp from '../../stack/wire/tcp.ts';
import { type SeqNumber, seq } from '../../stack/tcp/sequence.ts';
import type { Duration, Instant } from '../../stack/time.ts';
import type { IPv4Address } from '../../stack/wire/address.ts';
import type { LinkDirection } from '../link/link-event.ts';
import { type Middlebox, type Passage, opposite } from './middlebox.ts';
import { TransportEdit } from './tcp-edit.ts';

/** How a firewall works. */
export interface FirewallOptions {
  /** The way in which connections may be opened; `a→b` at first. */
  readonly outward?: LinkDirection;
  /** Ports inside that may be reached from the outside; none at first. */
  readonly openPorts?: readonly number[];
  /** A connection that carried nothing for this long is forgotten, in µs; never at first. */
  readonly timeout?: Duration;
  /** What a TCP segment gets that belongs to no connection it knows: a RST, or nothing. `drop` at first. */
  readonly unknown?: 'drop' | 'reset';
}

const SYN = 2;
const RST = 4;
const ACK = 16;

/** A stateful firewall for IPv4 TCP: lets pass what belongs to a connection whose SYN it saw. Other packets pass. */
export class Firewall implements Middlebox {
  readonly name: string = 'firewall';
  readonly #options: FirewallOptions;
  readonly #outward: LinkDirection;
  readonly #timeout: number;
  readonly #seen: Map<string, Instant> = new Map();

  constructor(options: FirewallOptions = {}) {
    this.#options = options;
    this.#outward = options.outward ?? 'a→b';
    this.#timeout = options.timeout ?? Number.POSITIVE_INFINITY;
  }

  /** Forgets all connections, as after a restart. */
  forget(): void {
    this.#seen.clear();
  }

  process(passage: Passage): 'pass' | 'LINK_FIREWALL' {
    const edit = TransportEdit.of(passage.packet, passage.medium);
    if (edit === undefined || !edit.isTcp || edit.layout.version !== 4) return 'pass';
    const outward = passage.direction === this.#outward;
    const key = flowKey(edit, outward);
    const usedAt = this.#seen.get(key);
    const known = usedAt !== undefined && passage.now - usedAt <= this.#timeout;
    const opens = (edit.flags & (SYN | ACK)) === SYN;
    const open = outward || (this.#options.openPorts ?? []).includes(edit.ports[1]);
    if (known || (opens && open)) {
      this.#seen.set(key, passage.now);
      return 'pass';
    }
    if (this.#options.unknown === 'reset' && (edit.flags & RST) === 0) {
      passage.inject(resetFor(edit, passage.packet), opposite(passage.direction));
    }
    return 'LINK_FIREWALL';
  }
}

/** Names the connection alike for both directions. */
function flowKey(edit: TransportEdit, outward: boolean): string {
  const { ip } = edit.layout;
  const [from, to] = [`${edit.get32(ip + 12)}:${edit.ports[0]}`, `${edit.get32(ip + 16)}:${edit.ports[1]}`];
  return outward ? `${from} ${to}` : `${to} ${from}`;
}

/** The RST that the destination would send if it had no such connection [RFC 9293 3.10.7.1]. */
export function resetFor(edit: TransportEdit, packet: PacketBuffer): PacketBuffer {
  const { ip, transport, payload, end } = edit.layout;
  const syn = (edit.flags & SYN) === 0 ? 0 : 1;
  const fin = edit.flags & 1;
  const acks = (edit.flags & ACK) !== 0;
  const answer: tcp.TcpHeader = {
    ...tcp.BARE_HEADER,
    sourcePort: edit.ports[1],
    destinationPort: edit.ports[0],
    seq: acks ? (packet.view.getUint32(transport + 8) as SeqNumber) : seq(0),
    ack: acks ? undefined : seq(packet.view.getUint32(transport + 4) + (end - payload) + syn + fin),
    rst: true,
  };
  const source = edit.get32(ip + 16) as IPv4Address;
  const destination = edit.get32(ip + 12) as IPv4Address;
  const reset = PacketBuffer.allocate(64, 64);
  tcp.emit(answer, reset, source, destination);
  ipv4.emit(plainHeader(source, destination, ipv4.PROTOCOL_TCP), reset);
  return reset;
}

/** An IPv4 header without peculiarities. */
export function plainHeader(
  source: IPv4Address,
  destination: IPv4Address,
  protocol: number,
): ipv4.IPv4HeaderToEmit {
  const still = { identification: 0, dontFragment: true, moreFragments: false, fragmentOffset: 0 };
  return { source, destination, protocol, ttl: 64, tos: 0, ...still };
}
