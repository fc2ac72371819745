import type { PacketBuffer } from '../bytes/packet-buffer.ts';
import type { HostContext } from '../context.ts';
import type { DropReason } from '../drop-reasons.ts';
import { copyPacket } from '../link/copy-packet.ts';
import type { AddressChange } from '../link/addresses.ts';
import type { Device } from '../link/device.ts';
import {
  Interface,
  type InterfaceAddress,
  type InterfaceOptions,
  type InterfaceUpper,
} from '../link/interface.ts';
import { earlier, type Instant } from '../time.ts';
import type { DropEvent } from '../trace.ts';
import { formatAddress, type IpAddress, isIPv4, isLoopback } from '../wire/address.ts';
import { UNREACHABLE } from '../wire/icmp.ts';
import { UNREACHABLE_V6 } from '../wire/icmpv6.ts';
import * as ipv4 from '../wire/ipv4.ts';
import * as ipv6 from '../wire/ipv6.ts';
import { MLD_QUERY } from '../wire/mld.ts';
import { NEIGHBOUR_ADVERTISEMENT, NEIGHBOUR_SOLICITATION } from '../wire/ndp.ts';
import { admit } from './admission.ts';
import { fragment } from './fragment.ts';
import { Icmp } from './icmp.ts';
import type { Icmp6 } from './icmp6.ts';
import { Ipv6 } from './ipv6.ts';
import { PathMtuCache } from './path-mtu.ts';
import { Reassembly } from './reassembly.ts';
import { type Route, RouteTable } from './routes.ts';
import { TokenBucket } from './token-bucket.ts';
import type { IpMeta, IpSender, SendOptions, Transport } from './transport.ts';

export type { IpMeta, SendOptions, Transport } from './transport.ts';

/** The largest IPv4 packet in bytes [RFC 791 3.1]. */
const LARGEST = 65_535;
/** Packets to ourselves that may wait for their delivery. */
const LOOPBACK_PACKETS = 1_024;
/** What the way to ourselves is called in the trace. */
const LOOPBACK_DEVICE = 'lo';

interface Looped {
  readonly packet: PacketBuffer;
  readonly via: Interface;
}

/** The internet layer of a host: IPv4 [RFC 791, RFC 1122 3] here, IPv6 [RFC 8200] in `Ipv6`. It forwards nothing. */
export class Ip implements InterfaceUpper, IpSender {
  readonly routes: RouteTable;
  /** ICMP; pings of both versions. */
  readonly icmp: Icmp;
  readonly pathMtu: PathMtuCache;
  readonly reassembly: Reassembly;
  /** Drops so far, by reason. */
  readonly counters: Map<DropReason, number>;
  /** Called when an interface takes packets again that had refused them. */
  onWritable: ((from: Interface) => void) | undefined;
  readonly #context: HostContext;
  readonly #interfaces: Interface[] = [];
  readonly #transports: { readonly 4: Map<number, Transport>; readonly 6: Map<number, Transport> } = {
    4: new Map(),
    6: new Map(),
  };
  readonly #ipv6: Ipv6;
  readonly #errors: TokenBucket;
  readonly #wake: () => void;
  #looped: Looped[] = [];

  /** `wake` is called when something came up outside of a turn that the next one has to see to. */
  constructor(context: HostContext, wake: () => void = () => {}) {
    this.#context = context;
    this.counters = context.drops;
    this.#wake = wake;
    this.routes = new RouteTable(this.#interfaces, (text) => this.note(text));
    this.pathMtu = new PathMtuCache(context, (text) => this.note(text));
    this.icmp = new Icmp(context, this);
    this.register(ipv4.PROTOCOL_ICMP, this.icmp, [4]);
    this.register(ipv4.PROTOCOL_ICMPV6, this.icmp6, [6]);
    this.#ipv6 = new Ipv6(context, this);
    for (const type of [NEIGHBOUR_SOLICITATION, NEIGHBOUR_ADVERTISEMENT])
      this.icmp6.register(type, ({ message, packet, bodyAt, meta }) =>
        meta.from.ndp?.messageArrived(message, packet, bodyAt, meta),
      );
    this.icmp6.register(MLD_QUERY, ({ message, meta }) => meta.from.ndp?.queryArrived(message, meta));
    this.#errors = new TokenBucket(context.settings.ip.icmpRate, context.settings.ip.icmpBurst);
    this.reassembly = new Reassembly(context, {
      drop: (reason) => this.drop('ip', reason),
      timedOut: (first) => this.#reassemblyTimedOut(first),
    });
  }

  get interfaces(): readonly Interface[] {
    return this.#interfaces;
  }

  /** ICMP for IPv6. */
  get icmp6(): Icmp6 {
    return this.icmp.v6;
  }

  /** Packets of `protocol` (0..255) over these versions of IP go to `transport` from now on. */
  register(protocol: number, transport: Transport, versions: readonly (4 | 6)[] = [4, 6]): void {
    for (const version of versions) this.#transports[version].set(protocol, transport);
  }

  transport(protocol: number, version: 4 | 6): Transport | undefined {
    return this.#transports[version].get(protocol);
  }

  /** Adds an interface over `device`, and routes to its subnets. Who calls it attaches the device to `framesArrived`. */
  addInterface(
    device: Device,
    addresses: readonly InterfaceAddress[],
    options: InterfaceOptions = {},
  ): Interface {
    const added = new Interface(this.#context, device, addresses, this, options);
    this.#interfaces.push(added);
    this.routes.addSubnets(added);
    if (added.ndp !== undefined) this.#wake(); // its first messages wait
    return added;
  }

  isLocal(address: IpAddress): boolean {
    if (isLoopback(address)) return true;
    for (const own of this.#interfaces) if (own.isLocal(address)) return true;
    return false;
  }

  /** A packet from an interface; head at the IP header. */
  packetArrived(packet: PacketBuffer, from: Interface): void {
    if (isVersion6(packet)) return this.#ipv6.packetArrived(packet, from);
    const header = ipv4.parse(packet);
    if (typeof header === 'string') return this.drop('ip', header);
    packet.tail = packet.head + header.totalLength;
    const problem = optionsProblem(packet, header);
    if (problem !== undefined) return this.drop('ip', problem);
    const admission = admit(header.source, header.destination, from, this.#interfaces);
    if (admission !== 'host' && admission !== 'everyone') return this.drop('ip', admission);
    const isFragment = header.moreFragments || header.fragmentOffset > 0;
    if (isFragment) this.#fragmentArrived(packet, header, from, admission === 'everyone');
    else this.#deliver(packet, header, from, admission === 'everyone');
  }

  /** Puts the IP header in front of the packet and sends it; fragments it if it is too large and may be. Takes the packet. */
  send(packet: PacketBuffer, options: SendOptions, route: Route): void {
    const { source, destination } = options;
    if (!isIPv4(source) || !isIPv4(destination)) return this.#send6(packet, options, route);
    const total = ipv4.IPV4_HEADER_LENGTH + packet.length;
    if (total > LARGEST) return this.drop('ip', 'PKT_TOO_BIG');
    const dontFragment = options.dontFragment ?? false;
    const header: ipv4.IPv4HeaderToEmit = {
      source,
      destination,
      protocol: options.protocol,
      ttl: options.ttl ?? this.#context.settings.ip.ttl,
      tos: options.tos ?? 0,
      // RFC 6864 4.1: without a meaning if there can be no fragments. Otherwise random, so that it tells nothing [attacks.md B7].
      identification: dontFragment ? 0 : this.#context.random.u32() & 0xffff,
      dontFragment,
      moreFragments: false,
      fragmentOffset: 0,
    };
    const via = route.interface;
    const local = this.isLocal(destination);
    if (local || packet.segmentSize > 0 || total <= via.mtu) {
      ipv4.emit(header, packet);
      if (local) this.#loop(packet, via);
      else via.send(packet, route.nextHop);
    } else if (dontFragment) {
      this.drop('ip', 'PKT_TOO_BIG');
    } else {
      for (const piece of fragment(header, packet, via.mtu, via.headroom)) via.send(piece, route.nextHop);
    }
  }

  /** Delivers the packets to ourselves that wait now; false if there were none. Call it until then. */
  deliverLoopback(): boolean {
    const looped = this.#looped;
    if (looped.length === 0) return false;
    this.#looped = [];
    for (const { packet, via } of looped) {
      this.#traceLooped('in', packet);
      const header = isVersion6(packet) ? ipv6.parse(packet) : ipv4.parse(packet);
      if (typeof header === 'string') this.drop('ip', header);
      else if ('hopLimit' in header) this.#ipv6.headersArrived(packet, header, via, false);
      else this.#deliver(packet, header, via, false);
    }
    return true;
  }

  /** Traces and counts the drop of a packet. */
  drop(layer: DropEvent['layer'], reason: DropReason, connection?: number): void {
    this.counters.set(reason, (this.counters.get(reason) ?? 0) + 1);
    const { tracer, now, name } = this.#context;
    if (tracer === undefined) return;
    const event: DropEvent = { type: 'drop', at: now, host: name, layer, reason };
    tracer(connection === undefined ? event : { ...event, connection });
  }

  /** Answers a packet that arrived with "destination unreachable" (code 0..15, see `UNREACHABLE`), if that is allowed. */
  icmpUnreachable(code: number, packet: PacketBuffer, meta: IpMeta): void {
    if (!isIPv4(meta.source)) {
      // RFC 4443 3.1: the transport has no listener. No other code of IPv4 comes from a host.
      return this.icmp6.sendError({ type: 'unreachable', code: UNREACHABLE_V6.port }, packet, meta);
    }
    this.icmp.sendError({ type: 'unreachable', code, nextHopMtu: undefined }, packet, meta);
  }

  takeErrorToken(): boolean {
    return this.#errors.take(this.#context.now);
  }

  /** Gives all queued frames to the devices. */
  flush(): void {
    for (const each of this.#interfaces) each.flush();
  }

  nextDeadline(): Instant {
    let next = this.reassembly.nextDeadline();
    for (const each of this.#interfaces) next = earlier(next, each.nextDeadline());
    return next;
  }

  /** Does what is due at `context.now`. */
  advance(): void {
    this.reassembly.advance();
    for (const each of this.#interfaces) each.advance();
  }

  /** The next hop does not answer: to the transport that is as if a router had said so [RFC 1122 3.3.1.4; RFC 4861 7.2.2]. */
  neighbourFailed(packet: PacketBuffer): void {
    if (isVersion6(packet)) return this.icmp6.errorAbout('host-unreachable', packet, undefined, 0);
    this.icmp.errorAbout('host-unreachable', packet, undefined, 0);
  }

  writable(from: Interface): void {
    this.onWritable?.(from);
  }

  /** An interface was given an address, or lost one: so were the routes. */
  addressChanged(from: Interface, { what, address }: AddressChange): void {
    if (what === 'added') this.routes.addSubnet(from, address);
    else if (what === 'removed') this.routes.removeSubnet(from, address.address);
    this.routes.changed();
    const text = `${formatAddress(address.address)}/${address.prefixLength} on ${from.device.name}`;
    this.note(`address ${what === 'removed' ? 'removed' : address.state}: ${text}`);
    this.#wake();
  }

  /** Tells the readers of the trace. */
  note(text: string): void {
    const { tracer, now, name } = this.#context;
    tracer?.({ type: 'note', at: now, host: name, text });
  }

  #fragmentArrived(packet: PacketBuffer, header: ipv4.IPv4Header, from: Interface, broadcast: boolean): void {
    const whole = this.reassembly.fragmentArrived(packet, header);
    if (whole === undefined) return;
    const rebuilt = ipv4.parse(whole);
    if (typeof rebuilt === 'string') this.drop('ip', rebuilt);
    else this.#deliver(whole, rebuilt, from, broadcast);
  }

  /** To the protocol that the header names. */
  #deliver(packet: PacketBuffer, header: ipv4.IPv4Header, from: Interface, broadcast: boolean): void {
    const { source, destination, protocol, ttl, tos } = header;
    const meta: IpMeta = { source, destination, protocol, ttl, tos, from, broadcast, headerAt: packet.head };
    packet.head += header.headerLength;
    const transport = this.transport(protocol, 4);
    if (transport !== undefined) return transport.packetArrived(packet, meta);
    this.drop('ip', 'UNHANDLED_PROTO');
    this.icmpUnreachable(UNREACHABLE.protocol, packet, meta); // RFC 1122 3.2.2.1
  }

  #send6(packet: PacketBuffer, options: SendOptions, route: Route): void {
    const { source, destination } = options;
    if (isIPv4(source) || isIPv4(destination)) return this.drop('ip', 'UNHANDLED_PROTO');
    const local = this.isLocal(destination);
    for (const piece of this.#ipv6.prepare(packet, { ...options, source, destination }, route, local)) {
      if (local) this.#loop(piece, route.interface);
      else route.interface.send(piece, route.nextHop);
    }
  }

  #reassemblyTimedOut(first: PacketBuffer): void {
    if (isVersion6(first)) return this.#reassemblyTimedOut6(first);
    const header = ipv4.parse(first);
    if (typeof header === 'string') return;
    const from = this.#interfaces.find((own) => own.isLocal(header.destination));
    if (from === undefined) return; // it was for everyone
    const meta: IpMeta = { ...header, from, broadcast: false, headerAt: first.head };
    this.icmp.sendError({ type: 'time-exceeded', code: 1 }, first, meta);
  }

  #reassemblyTimedOut6(first: PacketBuffer): void {
    const header = ipv6.parse(first);
    if (typeof header === 'string') return;
    const from = this.#interfaces.find((own) => own.isLocal(header.destination));
    if (from === undefined) return;
    const { source, destination, hopLimit: ttl, trafficClass: tos, nextHeader: protocol } = header;
    const meta = { source, destination, ttl, tos, protocol, from, broadcast: false, headerAt: first.head };
    this.icmp6.sendError({ type: 'time-exceeded', code: 1 }, first, meta); // RFC 8200 4.5
  }

  #loop(packet: PacketBuffer, via: Interface): void {
    if (this.#looped.length >= LOOPBACK_PACKETS) return this.drop('device', 'DEVICE_QUEUE_FULL');
    this.#traceLooped('out', packet);
    this.#looped.push({ packet: copyPacket(packet, 0), via });
  }

  #traceLooped(direction: 'in' | 'out', packet: PacketBuffer): void {
    const { tracer, now, name } = this.#context;
    if (tracer === undefined) return;
    tracer({
      type: 'frame',
      at: now,
      host: name,
      direction,
      device: LOOPBACK_DEVICE,
      medium: 'ip',
      bytes: packet.bytes,
      head: packet.head,
      tail: packet.tail,
      segmentSize: packet.segmentSize,
      partialChecksum: packet.checksum === 'partial',
    });
  }
}

function isVersion6(packet: PacketBuffer): boolean {
  return packet.length > 0 && packet.view.getUint8(packet.head) >>> 4 === 6;
}

/** Malformed options, or a source route, which a host that forwards nothing has no use for [RFC 1122 3.2.1.8; RFC 7126 4.3]. */
function optionsProblem(packet: PacketBuffer, header: ipv4.IPv4Header): DropReason | undefined {
  if (header.headerLength === ipv4.IPV4_HEADER_LENGTH) return undefined;
  const at = packet.head + ipv4.IPV4_HEADER_LENGTH;
  return ipv4.sourceRoute(packet.view, at, packet.head + header.headerLength) === 'none'
    ? undefined
    : 'IP_INHDR';
}
