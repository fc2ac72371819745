import type { Duration, Instant } from '../../stack/time.ts';
import { type IPv4Address, parseIPv4 } from '../../stack/wire/address.ts';
import type { LinkDirection } from '../link/link-event.ts';
import type { Middlebox, Passage } from './middlebox.ts';
import { TransportEdit } from './tcp-edit.ts';

/** How a translator works. */
export interface NatOptions {
  /** The way from the inside to the outside: `a→b` at first. */
  readonly outward?: LinkDirection;
  /** The address that the outside sees, such as `192.0.2.1`. The outside has to have a route to it that leads here. */
  readonly address: string;
  /** A mapping that carried nothing for this long is silently forgotten, in µs; never at first. */
  readonly timeout?: Duration;
  /** First outside port, 1..65535; 40000 at first. */
  readonly firstPort?: number;
}

interface Mapping {
  readonly insideAddress: IPv4Address;
  readonly insidePort: number;
  readonly outsidePort: number;
  readonly protocol: number;
  usedAt: Instant;
}

/** An address and port translator [RFC 3022] for IPv4 TCP and UDP, on links without Ethernet. Other packets pass as they are. */
export class Nat implements Middlebox {
  readonly name: string = 'NAT';
  readonly #outward: LinkDirection;
  readonly #address: IPv4Address;
  readonly #timeout: number;
  readonly #byInside: Map<string, Mapping> = new Map();
  readonly #byOutside: Map<string, Mapping> = new Map();
  #nextPort: number;

  constructor(options: NatOptions) {
    const address = parseIPv4(options.address);
    if (address === undefined)
      throw new Error(`NAT: ${options.address} is no IPv4 address such as 192.0.2.1`);
    this.#outward = options.outward ?? 'a→b';
    this.#address = address;
    this.#timeout = options.timeout ?? Number.POSITIVE_INFINITY;
    this.#nextPort = options.firstPort ?? 40_000;
  }

  /** Mappings that are known now. */
  get mappings(): number {
    return this.#byInside.size;
  }

  /** Forgets all mappings, as after a restart: what comes from the inside next gets a new port. */
  rebind(): void {
    this.#byInside.clear();
    this.#byOutside.clear();
  }

  process(passage: Passage): 'pass' | 'LINK_NAT' {
    const edit = TransportEdit.of(passage.packet, passage.medium);
    if (edit === undefined || edit.layout.version !== 4) return 'pass';
    return passage.direction === this.#outward ? this.#out(edit, passage) : this.#in(edit, passage);
  }

  #out(edit: TransportEdit, passage: Passage): 'pass' {
    const source = edit.get32(edit.layout.ip + 12) as IPv4Address;
    const [port] = edit.ports;
    const key = `${edit.layout.protocol} ${source} ${port}`;
    const known = this.#byInside.get(key);
    const mapping =
      known !== undefined && this.#isAlive(known, passage.now)
        ? known
        : this.#map(key, source, port, edit.layout.protocol, passage.now);
    if (mapping !== known) passage.rewrote(`new mapping to port ${mapping.outsidePort}`);
    mapping.usedAt = passage.now;
    edit.setIPv4('source', this.#address);
    edit.set16(edit.layout.transport, mapping.outsidePort);
    return 'pass';
  }

  #in(edit: TransportEdit, { now }: Passage): 'pass' | 'LINK_NAT' {
    if (edit.get32(edit.layout.ip + 16) !== this.#address) return 'pass'; // for somebody else on this side
    const [, port] = edit.ports;
    const mapping = this.#byOutside.get(`${edit.layout.protocol} ${port}`);
    if (mapping === undefined || !this.#isAlive(mapping, now)) return 'LINK_NAT';
    mapping.usedAt = now;
    edit.setIPv4('destination', mapping.insideAddress);
    edit.set16(edit.layout.transport + 2, mapping.insidePort);
    return 'pass';
  }

  #isAlive(mapping: Mapping, now: Instant): boolean {
    return now - mapping.usedAt <= this.#timeout;
  }

  #map(key: string, address: IPv4Address, port: number, protocol: number, now: Instant): Mapping {
    const outsidePort = this.#nextPort;
    this.#nextPort = outsidePort === 65_535 ? 1_024 : outsidePort + 1;
    const mapping = { insideAddress: address, insidePort: port, outsidePort, protocol, usedAt: now };
    this.#byInside.set(key, mapping);
    this.#byOutside.set(`${protocol} ${outsidePort}`, mapping);
    return mapping;
  }
}
