import { Host } from '../../stack/host.ts';
import type { Ip } from '../../stack/ip/ip.ts';
import type { Settings } from '../../stack/settings.ts';
import type { TcpListener } from '../../stack/tcp/listener.ts';
import type { ConnectOptions, ListenOptions, Tcp } from '../../stack/tcp/tcp.ts';
import type { Scheduler } from '../../stack/time.ts';
import type { Tracer } from '../../stack/trace.ts';
import {
  type IpAddress,
  IPV6_ANY,
  type IPv6Address,
  formatAddress,
  isIPv4,
  parseAddress,
} from '../../stack/wire/address.ts';
import type { LinkEnd } from '../link/link.ts';
import { seededRandom } from '../random.ts';
import { Flow, type FlowOptions } from './flow.ts';

/** A host of a world: the real stack, with names and a small socket for scenarios. */
export class WorldHost {
  readonly kind: 'host' = 'host' as const;
  readonly name: string;
  /** The stack's host: `socket-api` takes it. */
  readonly host: Host;
  readonly ends: LinkEnd[] = [];
  readonly #addresses: IpAddress[] = [];
  #hasDefault: boolean = false;
  #hasDefault6: boolean = false;

  constructor(
    name: string,
    seed: number | string,
    scheduler: Scheduler,
    tracer: Tracer,
    settings: Settings | undefined,
  ) {
    this.name = name;
    const random = seededRandom(seed, 'host', name);
    this.host = new Host({ name, scheduler, random, tracer, ...(settings && { settings }) });
  }

  get tcp(): Tcp {
    return this.host.tcp;
  }

  get ip(): Ip {
    return this.host.ip;
  }

  get settings(): Settings {
    return this.host.settings;
  }

  /** Its first address, such as `10.0.1.1`. */
  get address(): string {
    const [first] = this.#addresses;
    if (first === undefined) throw new Error(`host ${this.name} has no address yet: link it to something`);
    return formatAddress(first);
  }

  /** Its first IPv6 address, such as `fd00:1::1`. */
  get address6(): string {
    const first = this.#addresses.find((own) => !isIPv4(own));
    if (first === undefined) throw new Error(`host ${this.name} has no IPv6 address: link it with subnet6`);
    return formatAddress(first);
  }

  get addresses(): readonly IpAddress[] {
    return this.#addresses;
  }

  /** Attaches it to one end of a link. */
  plugIn(end: LinkEnd, address: IpAddress, prefixLength: number, gateway: IpAddress | undefined): void {
    const added = this.host.addInterface(end, [{ address, prefixLength }]);
    this.ends.push(end);
    this.#addresses.push(address);
    if (gateway === undefined || this.#hasDefault) return;
    this.#hasDefault = true;
    const destination = parseAddress('0.0.0.0');
    if (destination !== undefined && isIPv4(gateway))
      this.host.ip.routes.add({ destination, prefixLength: 0, interface: added, gateway });
  }

  /** Gives its newest interface an IPv6 address, without duplicate address detection: the world gives none twice. */
  plugIn6(address: IPv6Address, prefixLength: number, gateway: IPv6Address | undefined): void {
    const added = this.host.ip.interfaces.at(-1);
    if (added === undefined) throw new Error(`host ${this.name} has no interface yet`);
    added.addAddress({ address, prefixLength, state: 'preferred' });
    this.#addresses.push(address);
    if (gateway === undefined || this.#hasDefault6) return;
    this.#hasDefault6 = true;
    this.host.ip.routes.add({ destination: IPV6_ANY, prefixLength: 0, interface: added, gateway });
  }

  /** Listens; each connection gets a flow, which `accepted` hears of. `more`: backlog, Fast Open and so on. */
  listen(
    port: number,
    accepted: (flow: Flow) => void = () => undefined,
    options?: FlowOptions,
    more?: Omit<ListenOptions, 'port'>,
  ): TcpListener {
    const listener: TcpListener = this.tcp.listen(
      { ...more, port },
      {
        connectionReady: () => {
          for (;;) {
            const flow = new Flow(options);
            const connection = listener.accept(flow);
            if (connection === undefined) return;
            flow.connection = connection;
            flow.established = true;
            accepted(flow);
          }
        },
      },
    );
    return listener;
  }

  /** Opens a connection to a host, or an address such as `10.0.1.2` or `fd00:1::2`. `more`: Fast Open and so on. */
  connect(
    to: WorldHost | string,
    port: number,
    options?: FlowOptions,
    more?: Omit<ConnectOptions, 'remote'>,
  ): Flow {
    const text = typeof to === 'string' ? to : to.address;
    const address = parseAddress(text);
    if (address === undefined) throw new Error(`${text} is no address such as 10.0.1.2`);
    const flow = new Flow(options);
    flow.connection = this.tcp.connect({ ...more, remote: { address, port } }, flow);
    return flow;
  }
}
