import type { Host } from '../../../stack/host.ts';
import { randomBelow } from '../../../stack/random.ts';
import { after, ms } from '../../../stack/time.ts';
import {
  formatAddress,
  IPV4_LOOPBACK,
  IPV6_LOOPBACK,
  type IpAddress,
  parseAddress,
} from '../../../stack/wire/address.ts';
import { isDomainName } from '../../../stack/wire/domain-name.ts';
import { Hold } from '../../hold.ts';
import { DnsCache, type Known } from './dns-cache.ts';
import { DnsExchange, type Reply } from './dns-exchange.ts';
import type { AddressType, Answer } from './dns-message.ts';
import { HostTable } from './host-table.ts';

/** What a resolver is made with; servers and search domains are the host's: `host.configuration.names`. */
export interface ResolverOptions {
  /** Names set by hand, as in /etc/hosts: a record, or a hosts file's text. */
  readonly hosts?: Readonly<Record<string, string | readonly string[]>> | string | undefined;
  /** How long one server has for an answer, in milliseconds; 3,000. */
  readonly timeout?: number | undefined;
  /** How often all servers are asked; 2. */
  readonly attempts?: number | undefined;
  /** Servers are asked in turn, not always the first one first; no by default. */
  readonly rotate?: boolean | undefined;
  /** Questions in mixed case (0x20), which forged answers have to guess; some servers do not repeat it. No by default. */
  readonly mixCase?: boolean | undefined;
}

/** Why a name could not be looked up. */
export class LookupError extends Error {
  readonly code: 'ENOTFOUND' | 'EAI_AGAIN';

  constructor(code: 'ENOTFOUND' | 'EAI_AGAIN', message: string) {
    super(message);
    this.name = 'LookupError';
    this.code = code;
  }
}

/** CNAMEs that are followed for one name. */
const LONGEST_CHAIN = 8;
/** For an answer "there is none" that does not say how long. */
const NEGATIVE_TTL = 5;
/** How long the addresses of the other family are waited for [RFC 8305 3: 50 ms]. */
const RESOLUTION_DELAY = ms(50);

/** Looks names up over the host's own UDP and TCP [RFC 1034 5.3.1: a stub resolver]. */
export class Resolver {
  readonly table: HostTable;
  readonly cache: DnsCache = new DnsCache();
  readonly #host: Host;
  readonly #options: ResolverOptions;
  readonly #hold: Hold;
  /** Questions under way: who asks the same waits for the same answer. */
  readonly #pending: Map<string, Promise<Known>> = new Map();
  #rotation: number = 0;

  /** @throws TypeError if an address of `hosts` makes no sense */
  constructor(host: Host, options: ResolverOptions = {}) {
    this.#host = host;
    this.#options = options;
    this.#hold = new Hold(host);
    this.table = new HostTable(options.hosts);
  }

  /** Whether there is anything to look names up with. */
  get isConfigured(): boolean {
    return this.table.size > 0 || this.#host.configuration.names.servers.length > 0;
  }

  /**
   * The addresses of a name, IPv6 before IPv4. Both are asked for at once; when the IPv4 ones are there, the others have 50 ms.
   * Rejects with a `LookupError`.
   */
  async lookup(name: string): Promise<readonly IpAddress[]> {
    const near = this.#withoutServer(name);
    if (near !== undefined) return near;
    if (!isDomainName(name))
      throw new LookupError('ENOTFOUND', `'${name}' is no name: letters, digits, hyphens, dots`);
    let last: Known | undefined;
    for (const candidate of this.#candidates(name)) {
      const table = this.table.find(candidate);
      if (table !== undefined) return table;
      last = await this.#both(candidate);
      if (last.addresses.length > 0) return last.addresses;
    }
    throw new LookupError('ENOTFOUND', whyNot(name, last, this.#host.configuration.names.servers));
  }

  /** The addresses of one kind; an empty list if the name has none. Rejects with a `LookupError`. */
  async resolve(name: string, type: AddressType): Promise<readonly IpAddress[]> {
    if (!isDomainName(name))
      throw new LookupError('ENOTFOUND', `'${name}' is no name: letters, digits, hyphens, dots`);
    const { addresses } = await this.#ask(name.replace(/\.$/, ''), type);
    return addresses;
  }

  #withoutServer(name: string): readonly IpAddress[] | undefined {
    const literal = parseAddress(name);
    if (literal !== undefined) return [literal];
    const set = this.table.find(name);
    if (set !== undefined) return set;
    // RFC 6761 6.3
    return /(^|\.)localhost\.?$/i.test(name) ? [IPV6_LOOPBACK, IPV4_LOOPBACK] : undefined;
  }

  /** A name without a dot is looked for in the search domains first; with a dot at its end nowhere else. */
  #candidates(name: string): readonly string[] {
    if (name.endsWith('.')) return [name.slice(0, -1)];
    if (name.includes('.')) return [name];
    const within = this.#host.configuration.names.search.map(
      (domain) => `${name}.${domain.replace(/\.$/, '')}`,
    );
    return [...within.filter(isDomainName), name];
  }

  async #both(name: string): Promise<Known> {
    const v6 = settled(this.#ask(name, 'AAAA'));
    const v4 = settled(this.#ask(name, 'A'));
    const four = await v4;
    const useful = four.known !== undefined && four.known.addresses.length > 0;
    const six = useful ? await Promise.race([v6, this.#later()]) : await v6;
    const failure = four.error ?? six?.error;
    const addresses = [...(six?.known?.addresses ?? []), ...(four.known?.addresses ?? [])];
    if (addresses.length === 0 && failure !== undefined) throw failure;
    return { addresses, noSuchName: four.known?.noSuchName ?? six?.known?.noSuchName ?? false };
  }

  #later(): Promise<undefined> {
    const { scheduler } = this.#host;
    return new Promise((resolve) => {
      scheduler.alarm(() => resolve(undefined)).set(after(scheduler.now(), RESOLUTION_DELAY));
    });
  }

  #ask(name: string, type: AddressType): Promise<Known> {
    const known = this.cache.get(type, name, this.#host.scheduler.now());
    if (known !== undefined) return Promise.resolve(known);
    const key = `${type} ${name.toLowerCase()}`;
    const before = this.#pending.get(key);
    if (before !== undefined) return before;
    const asked = this.#follow(name, type).finally(() => {
      this.#pending.delete(key);
      if (this.#pending.size === 0) this.#hold.end();
    });
    this.#pending.set(key, asked);
    this.#hold.begin();
    return asked;
  }

  /** Follows CNAMEs, within one answer and with further questions [RFC 1034 3.6.2]. */
  async #follow(name: string, type: AddressType): Promise<Known> {
    let target = name.toLowerCase();
    let ttl = Number.POSITIVE_INFINITY;
    for (let step = 0; step < LONGEST_CHAIN; step++) {
      const answer = await this.#question(target, type);
      const found = chase(answer, target);
      ttl = Math.min(ttl, found.ttl);
      if (found.addresses.length > 0 || found.target === target || answer.code === 'NXDOMAIN') {
        const { addresses } = found;
        const known: Known = { addresses, noSuchName: answer.code === 'NXDOMAIN' };
        const lasts = addresses.length > 0 ? ttl : Math.min(ttl, answer.negativeTtl ?? NEGATIVE_TTL);
        this.cache.set(type, name, known, lasts, this.#host.scheduler.now());
        return known;
      }
      target = found.target;
    }
    throw new LookupError(
      'EAI_AGAIN',
      `${name} leads from alias to alias: more than ${LONGEST_CHAIN} CNAMEs`,
    );
  }

  /** Asks the servers in turn, until one knows. */
  async #question(name: string, type: AddressType): Promise<Answer> {
    const { servers } = this.#host.configuration.names;
    const { timeout = 3_000, attempts = 2, rotate = false, mixCase = false } = this.#options;
    if (servers.length === 0) {
      const advice = "set servers (dns: { servers: ['192.0.2.53'] }) or let DHCP find them";
      throw new LookupError(
        'EAI_AGAIN',
        `${name} cannot be looked up: the host has no DNS server; ${advice}`,
      );
    }
    const first = rotate ? this.#nextServer(servers.length) : 0;
    const troubles: string[] = [];
    for (let turn = 0; turn < attempts * servers.length; turn++) {
      const server = servers[(first + turn) % servers.length];
      if (server === undefined) continue;
      const reply = await DnsExchange.ask(this.#host, server, { name, type }, ms(timeout), mixCase);
      if (isAnswer(reply) && (reply.code === 'NOERROR' || reply.code === 'NXDOMAIN')) return reply;
      const trouble = `${formatAddress(server)}: ${isAnswer(reply) ? reply.code : reply}`;
      if (!troubles.includes(trouble)) troubles.push(trouble);
    }
    throw new LookupError(
      'EAI_AGAIN',
      `no DNS server told the addresses of ${name} (${troubles.join('; ')})`,
    );
  }

  #nextServer(count: number): number {
    this.#rotation = this.#rotation === 0 ? 1 + randomBelow(this.#host.random, count) : this.#rotation + 1;
    return this.#rotation % count;
  }
}

function isAnswer(reply: Reply): reply is Answer {
  return typeof reply === 'object';
}

/** Goes from `name` along the aliases in one answer; ends where there is no further one, at addresses or without. */
function chase(
  { records }: Answer,
  name: string,
): { readonly addresses: readonly IpAddress[]; readonly target: string; readonly ttl: number } {
  let target = name;
  let ttl = Number.POSITIVE_INFINITY;
  for (let step = 0; step < LONGEST_CHAIN; step++) {
    const here = records.filter((record) => record.name === target);
    const addresses = here.flatMap((record) => ('address' in record ? [record.address] : []));
    for (const record of here) ttl = Math.min(ttl, record.ttl);
    const alias = here.find((record) => 'alias' in record);
    if (addresses.length > 0 || alias === undefined || !('alias' in alias)) return { addresses, target, ttl };
    target = alias.alias;
  }
  return { addresses: [], target, ttl };
}

/** A promise's outcome as a value: nobody has to catch it. */
function settled(asked: Promise<Known>): Promise<{ readonly known?: Known; readonly error?: unknown }> {
  return asked.then(
    (known) => ({ known }),
    (error: unknown) => ({ error }),
  );
}

function whyNot(name: string, known: Known | undefined, servers: readonly IpAddress[]): string {
  const by = servers.map(formatAddress).join(', ');
  if (known?.noSuchName === true) return `there is no ${name}, says the DNS (${by}): is it spelt right?`;
  return `${name} exists, but has no address in the DNS (${by})`;
}
