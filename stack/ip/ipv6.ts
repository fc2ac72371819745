import type { PacketBuffer } from '../bytes/packet-buffer.ts';
import type { HostContext } from '../context.ts';
import type { DropReason } from '../drop-reasons.ts';
import type { Interface } from '../link/interface.ts';
import type { IPv6Address } from '../wire/address.ts';
import { isUnspecified } from '../wire/address.ts';
import { PROTOCOL_ICMPV6 } from '../wire/ipv4.ts';
import * as ipv6 from '../wire/ipv6.ts';
import { FRAGMENT_HEADER_LENGTH, NO_NEXT_HEADER } from '../wire/ipv6-extensions.ts';
import { admit6 } from './admission.ts';
import {
  ERRONEOUS_FIELD,
  hasUpperHeader,
  type HeaderChain,
  type HeaderRefusal,
  INCOMPLETE_CHAIN,
  UNKNOWN_NEXT_HEADER,
  walkHeaders,
} from './extension-headers.ts';
import { fragment6 } from './fragment.ts';
import type { Icmp6 } from './icmp6.ts';
import type { PathMtuCache } from './path-mtu.ts';
import type { Reassembly } from './reassembly.ts';
import type { Route } from './routes.ts';
import type { IpMeta, SendOptions, Transport } from './transport.ts';

/** What IPv6 needs of its host. */
export interface Ipv6Host {
  readonly interfaces: readonly Interface[];
  readonly icmp6: Icmp6;
  readonly reassembly: Reassembly;
  readonly pathMtu: PathMtuCache;
  drop(layer: 'ip', reason: DropReason): void;
  transport(protocol: number, version: 6): Transport | undefined;
}

/** The largest payload of an IPv6 packet; jumbograms are not made or taken [RFC 8200 3]. */
const LARGEST_PAYLOAD = 65_535;

/** IPv6 of one host [RFC 8200]: extension headers, fragments both ways, what goes to which protocol. It forwards nothing. */
export class Ipv6 {
  readonly #context: HostContext;
  readonly #host: Ipv6Host;

  constructor(context: HostContext, host: Ipv6Host) {
    this.#context = context;
    this.#host = host;
  }

  /** A packet from an interface; head at the IPv6 header. */
  packetArrived(packet: PacketBuffer, from: Interface): void {
    const header = ipv6.parse(packet);
    if (typeof header === 'string') return this.#drop(header);
    packet.tail = packet.head + ipv6.IPV6_HEADER_LENGTH + header.payloadLength;
    const admission = admit6(header.source, header.destination, from, this.#host.interfaces);
    if (admission !== 'host' && admission !== 'everyone') return this.#drop(admission);
    this.headersArrived(packet, header, from, admission === 'everyone');
  }

  /** A packet that is for us: its extension headers, then its protocol. */
  headersArrived(packet: PacketBuffer, header: ipv6.IPv6Header, from: Interface, broadcast: boolean): void {
    const chain = walkHeaders(packet, header, this.#context.settings.ip.extensionHeaders);
    if ('reason' in chain) return this.#refuse(chain, packet, metaOf(header, packet, 0, from, broadcast));
    const { fragment } = chain;
    const meta = metaOf(header, packet, chain.protocol, from, broadcast);
    if (fragment === undefined || (fragment.fragmentOffset === 0 && !fragment.moreFragments)) {
      return this.#deliver(packet, chain, { ...meta, fragmented: fragment !== undefined }); // an atomic fragment is a whole by itself [RFC 6946 4]
    }
    const refusal = checkFragment(packet, chain);
    if (refusal !== undefined) return this.#refuse(refusal, packet, meta);
    const whole = this.#host.reassembly.fragment6Arrived(packet, header, chain);
    if (whole === undefined) return;
    const rebuilt = ipv6.parse(whole);
    if (typeof rebuilt === 'string') this.#drop(rebuilt);
    else this.#wholeArrived(whole, rebuilt, from, broadcast);
  }

  /** Puts the header in front of the packet and returns what is to be sent: the packet, or its fragments. */
  prepare(
    packet: PacketBuffer,
    options: SendOptions & { readonly source: IPv6Address; readonly destination: IPv6Address },
    route: Route,
    local: boolean,
  ): readonly PacketBuffer[] {
    if (packet.length > LARGEST_PAYLOAD) {
      this.#drop('PKT_TOO_BIG');
      return [];
    }
    const { source, destination } = options;
    const header: ipv6.IPv6HeaderToEmit = {
      source,
      destination,
      trafficClass: options.tos ?? 0,
      flowLabel: options.flowLabel ?? 0,
      nextHeader: options.protocol,
      hopLimit: options.ttl ?? route.interface.parameters.hopLimit ?? this.#context.settings.ip.ttl,
    };
    const total = ipv6.IPV6_HEADER_LENGTH + packet.length;
    const linkMtu = route.interface.mtu; // below 1,280 it is not IPv6's fault, and smaller packets arrive
    if (!local && packet.segmentSize === 0) {
      if (options.dontFragment ?? false) {
        if (total > linkMtu) {
          this.#drop('PKT_TOO_BIG');
          return [];
        }
      } else {
        const mtu = Math.min(linkMtu, this.#host.pathMtu.get(destination) ?? linkMtu);
        const identification = this.#context.random.u32();
        if (total > mtu) return fragment6(header, packet, mtu, route.interface.headroom, identification);
      }
    }
    ipv6.emit(header, packet);
    return [packet];
  }

  /** What came together of fragments may be no fragment itself. */
  #wholeArrived(packet: PacketBuffer, header: ipv6.IPv6Header, from: Interface, broadcast: boolean): void {
    const chain = walkHeaders(packet, header, this.#context.settings.ip.extensionHeaders);
    if ('reason' in chain) return this.#refuse(chain, packet, metaOf(header, packet, 0, from, broadcast));
    if (chain.fragment !== undefined) return this.#drop('IPV6_BAD_EXTHDR');
    const meta = metaOf(header, packet, chain.protocol, from, broadcast);
    this.#deliver(packet, chain, { ...meta, fragmented: true });
  }

  /** To the protocol that the last header names. */
  #deliver(packet: PacketBuffer, chain: HeaderChain, meta: IpMeta): void {
    packet.head = chain.at;
    if (chain.protocol === NO_NEXT_HEADER) return this.#drop('UNHANDLED_PROTO'); // RFC 8200 4.7: that was all
    if (isUnspecified(meta.source) && chain.protocol !== PROTOCOL_ICMPV6)
      return this.#drop('IP_INVALID_SOURCE'); // RFC 4291 2.5.2
    const transport = this.#host.transport(chain.protocol, 6);
    if (transport !== undefined) return transport.packetArrived(packet, meta);
    const problem = { code: UNKNOWN_NEXT_HEADER, at: chain.nextHeaderAt - meta.headerAt };
    this.#refuse({ reason: 'UNHANDLED_PROTO', problem }, packet, meta); // RFC 8200 4
  }

  #refuse({ reason, problem }: HeaderRefusal, packet: PacketBuffer, meta: IpMeta): void {
    this.#drop(reason);
    if (problem === undefined) return;
    const { code, at: pointer, evenToMulticast } = problem;
    this.#host.icmp6.sendError({ type: 'parameter-problem', code, pointer }, packet, meta, evenToMulticast);
  }

  #drop(reason: DropReason): void {
    this.#host.drop('ip', reason);
  }
}

function metaOf(
  header: ipv6.IPv6Header,
  packet: PacketBuffer,
  protocol: number,
  from: Interface,
  broadcast: boolean,
): IpMeta {
  const { source, destination, hopLimit: ttl, trafficClass: tos } = header;
  return { source, destination, protocol, ttl, tos, from, broadcast, headerAt: packet.head };
}

/** The conditions of RFC 8200 4.5 on one fragment. */
function checkFragment(packet: PacketBuffer, chain: HeaderChain): HeaderRefusal | undefined {
  const { fragment } = chain;
  if (fragment === undefined) return undefined;
  const length = packet.tail - fragment.at - FRAGMENT_HEADER_LENGTH;
  const headers = fragment.at - packet.head - ipv6.IPV6_HEADER_LENGTH;
  if (length === 0) return { reason: 'IPV6_BAD_EXTHDR' };
  if (fragment.moreFragments && length % 8 !== 0)
    return { reason: 'IPV6_BAD_EXTHDR', problem: { code: ERRONEOUS_FIELD, at: 4 } };
  if (headers + fragment.fragmentOffset + length > LARGEST_PAYLOAD)
    return {
      reason: 'FRAG_TOO_FAR',
      problem: { code: ERRONEOUS_FIELD, at: fragment.at + 2 - packet.head },
    };
  if (fragment.fragmentOffset === 0 && !hasUpperHeader(chain, packet.tail))
    return { reason: 'IPV6_BAD_EXTHDR', problem: { code: INCOMPLETE_CHAIN, at: 0 } };
  return undefined;
}
