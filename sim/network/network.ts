import { type IPv4Address, IPv6Address, isIPv4, parseCidr, prefixMask } from '../../stack/wire/address.ts';
import type { Link, LinkOptions } from '../link/link.ts';
import type { WorldHost } from './host.ts';
import { Router, type RouterRoute } from './router.ts';
import type { Switch } from './switch.ts';

/** What a link may connect. */
export type NetworkNode = WorldHost | Router | Switch;

interface Subnet {
  readonly base: IPv4Address;
  readonly prefixLength: number;
  /** Beside it, if the link was given one. */
  readonly v6: { readonly base: IPv6Address; readonly prefixLength: number } | undefined;
  /** Addresses given out. */
  used: number;
}

interface Connection {
  readonly link: Link;
  readonly nodes: readonly [NetworkNode, NetworkNode];
  readonly subnet: Subnet;
}

/** Who is connected to whom, with which addresses. */
export class Network {
  readonly #connections: Connection[] = [];
  readonly #switched: Map<Switch, Subnet> = new Map();
  readonly #names: Map<string, number> = new Map();
  #subnets: number = 0;

  /** A name for the link between two nodes: `a-b`, `a-b-2` for the second one. */
  nameFor(first: NetworkNode, second: NetworkNode): string {
    const name = `${first.name}-${second.name}`;
    const count = (this.#names.get(name) ?? 0) + 1;
    this.#names.set(name, count);
    return count === 1 ? name : `${name}-${count}`;
  }

  /** Attaches both ends of `link` and gives addresses to who needs them. */
  connect(link: Link, first: NetworkNode, second: NetworkNode, options: LinkOptions): void {
    const subnet = this.#subnetFor(first, second, options);
    this.#connections.push({ link, nodes: [first, second], subnet });
    // Routers first: hosts want to know their gateway.
    const places = [
      { node: first, other: second, end: link.ends[0], peer: link.ends[1] },
      { node: second, other: first, end: link.ends[1], peer: link.ends[0] },
    ];
    const given = places.map(({ node }) => (node.kind === 'switch' ? undefined : nextAddress(subnet)));
    for (const [index, { node, end }] of places.entries()) {
      const address = given[index];
      if (node.kind === 'router' && address !== undefined)
        node.plugIn(end, address, address6(subnet, address));
      else if (node.kind === 'switch') node.plugIn(end);
    }
    for (const [index, { node, other, end, peer }] of places.entries()) {
      const address = given[index];
      if (node.kind !== 'host' || address === undefined) continue;
      const gateway = other.kind === 'router' ? other.addressOn(peer) : undefined;
      node.plugIn(end, address, subnet.prefixLength, gateway);
      const own6 = address6(subnet, address);
      if (own6 === undefined || subnet.v6 === undefined) continue;
      const gateway6 = other.kind === 'router' ? other.address6On(peer) : undefined;
      node.plugIn6(own6, subnet.v6.prefixLength, gateway6);
    }
    for (const { nodes } of this.#connections)
      for (const node of nodes) if (node.kind === 'router') node.forgetRoutes();
  }

  /** The way from `router` to every subnet: the fewest routers between. */
  routesOf(router: Router): readonly RouterRoute[] {
    const routes: RouterRoute[] = [];
    const known = new Set<Subnet>();
    const seen = new Set<Router>([router]);
    let edge: { at: Router; port: RouterRoute['port'] | undefined }[] = [{ at: router, port: undefined }];
    while (edge.length > 0) {
      const next: typeof edge = [];
      for (const { at, port } of edge) {
        for (const { end, subnet, other } of this.#around(at)) {
          const through = port ?? end;
          if (!known.has(subnet)) {
            known.add(subnet);
            routes.push({ destination: subnet.base, prefixLength: subnet.prefixLength, port: through });
            if (subnet.v6 !== undefined)
              routes.push({
                destination: subnet.v6.base,
                prefixLength: subnet.v6.prefixLength,
                port: through,
              });
          }
          if (!(other instanceof Router) || seen.has(other)) continue;
          seen.add(other);
          next.push({ at: other, port: through });
        }
      }
      edge = next;
    }
    return routes;
  }

  #around(node: NetworkNode): { end: RouterRoute['port']; subnet: Subnet; other: NetworkNode }[] {
    return this.#connections.flatMap(({ link, nodes, subnet }) => {
      if (nodes[0] === node) return [{ end: link.ends[0], subnet, other: nodes[1] }];
      return nodes[1] === node ? [{ end: link.ends[1], subnet, other: nodes[0] }] : [];
    });
  }

  #subnetFor(first: NetworkNode, second: NetworkNode, options: LinkOptions): Subnet {
    const switches = [first, second].filter((node) => node.kind === 'switch');
    for (const each of switches) {
      const known = this.#switched.get(each);
      if (known !== undefined) {
        for (const other of switches) this.#switched.set(other, known);
        return known;
      }
    }
    this.#subnets += 1;
    const text = options.subnet ?? `10.${this.#subnets >> 8}.${this.#subnets & 0xff}.0/24`;
    const parsed = parseCidr(text);
    if (parsed === undefined || !isIPv4(parsed.address) || parsed.prefixLength > 30)
      throw new Error(`subnet: ${text} is no IPv4 prefix with room for two hosts, such as 10.0.1.0/24`);
    const base = ((parsed.address & prefixMask(parsed.prefixLength)) >>> 0) as IPv4Address;
    const subnet = {
      base,
      prefixLength: parsed.prefixLength,
      v6: subnet6(options.subnet6),
      used: 0,
    };
    for (const each of switches) this.#switched.set(each, subnet);
    return subnet;
  }
}

function nextAddress(subnet: Subnet): IPv4Address {
  subnet.used += 1;
  if (subnet.used >= ~prefixMask(subnet.prefixLength) >>> 0)
    throw new Error('the subnet has no address left: name a larger one');
  return (subnet.base + subnet.used) as IPv4Address;
}

function subnet6(text: string | undefined): Subnet['v6'] {
  if (text === undefined) return undefined;
  const parsed = parseCidr(text);
  if (parsed === undefined || isIPv4(parsed.address) || parsed.prefixLength > 64)
    throw new Error(`subnet6: ${text} is no IPv6 prefix of at most 64 bits, such as fd00:1::/64`);
  const { a, b } = parsed.address;
  return { base: new IPv6Address(a, b, 0, 0), prefixLength: parsed.prefixLength };
}

/** The IPv6 address with the same number on the link as the IPv4 one. */
function address6(subnet: Subnet, address: IPv4Address): IPv6Address | undefined {
  if (subnet.v6 === undefined) return undefined;
  const { a, b } = subnet.v6.base;
  return new IPv6Address(a, b, 0, address - subnet.base);
}
