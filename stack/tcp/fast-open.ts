/**
 * TCP Fast Open [RFC 7413]: the option in both encodings, and the server's part: cookies, and how many connections may be open on the
 * strength of a cookie alone. The client's part is in `fast-open-client.ts`, what it remembers in `fast-open-cache.ts`.
 *
 * What Fast Open gives up, by design: a SYN with data that the network delivers twice, the second time after the first connection has
 * ended, is a second connection with the same data [RFC 7413 2.1]. Only a program whose requests may be repeated should listen with it.
 */

import { SipKey, siphash } from '../bytes/siphash.ts';
import type { HostContext } from '../context.ts';
import { randomBytes } from '../random.ts';
import type { Range } from '../settings.ts';
import { type Duration, type Instant, NEVER, after } from '../time.ts';
import { type IpAddress, isIPv4 } from '../wire/address.ts';
import {
  KIND,
  MAX_OPTION_BYTES,
  type OptionLayout,
  type TcpOptions,
  emittedLength,
} from '../wire/tcp-options.ts';

/** A Fast Open option: kind 34, or kind 254 with the magic number of the experiment [RFC 7413 9, RFC 6994]. */
export interface FastOpenOption {
  /** 4 to 16 bytes; none: a request for one [RFC 7413 4.1.1]. */
  readonly cookie: Uint8Array;
  readonly experimental: boolean;
}

/** How a program listens with Fast Open. */
export interface FastOpenListen {
  /** PendingFastOpenRequests at most [RFC 7413 4.2]: connections whose handshake is not over; the setting `fastOpenQueue` by default. */
  readonly queue?: number;
  /** False: data is taken from every SYN, cookie or not; only where source addresses cannot be forged. */
  readonly cookies?: boolean;
}

/** Magic number of the experiment [RFC 7413 9]. */
const MAGIC = [0xf9, 0x89] as const;
const COOKIE_LENGTHS: Range = { from: 4, to: 16 };

/** The Fast Open option among `options`; of both encodings the standard one. */
export function fastOpenOf(options: TcpOptions): FastOpenOption | undefined {
  if (options.fastOpen !== undefined) return { cookie: options.fastOpen, experimental: false };
  const found = options.others?.find(
    ({ kind, data }) => kind === KIND.experimental && data[0] === MAGIC[0] && data[1] === MAGIC[1],
  );
  if (found === undefined) return undefined;
  const cookie = found.data.subarray(MAGIC.length);
  const { length } = cookie;
  const valid =
    length === 0 || (length >= COOKIE_LENGTHS.from && length <= COOKIE_LENGTHS.to && length % 2 === 0);
  return valid ? { cookie, experimental: true } : undefined;
}

/** `options` with a Fast Open option; undefined if it does not fit [RFC 7413 4.2.2: then without Fast Open]. */
export function withFastOpen(
  options: TcpOptions,
  { cookie, experimental }: FastOpenOption,
  layout: OptionLayout,
): TcpOptions | undefined {
  const length = cookie.length + (experimental ? 4 : 2);
  if (emittedLength(options, layout) + ((length + 3) & ~3) > MAX_OPTION_BYTES) return undefined;
  if (!experimental) return { ...options, fastOpen: cookie };
  const data = Uint8Array.of(...MAGIC, ...cookie);
  return { ...options, others: [...(options.others ?? []), { kind: KIND.experimental, data }] };
}

/** A SYN came with Fast Open: what the server made of it. */
export class FastOpened {
  /** The FastOpened flag [RFC 7413 4.2]: the data was taken, the program may answer before the handshake is over. */
  readonly accepted: boolean;
  /** The cookie for the first SYN-ACK. */
  readonly reply: FastOpenOption | undefined;
  readonly #queue: FastOpenQueue;
  #pending: boolean;

  constructor(queue: FastOpenQueue, accepted: boolean, reply: FastOpenOption | undefined) {
    this.#queue = queue;
    this.accepted = accepted;
    this.reply = reply;
    this.#pending = accepted;
    if (accepted) queue.pending += 1;
  }

  /** The handshake is over, or the connection is; `reset`: by a RST, at `now`. */
  over(reset: boolean, now: Instant): void {
    if (!this.#pending) return;
    this.#pending = false;
    this.#queue.pending -= 1;
    if (reset) this.#queue.resetAt(now);
  }
}

/**
 * PendingFastOpenRequests of a listener [RFC 7413 4.2]. A connection that a RST ended counts for a while longer: else somebody who forges
 * the sender of SYNs with a good cookie would have his places given back by the victim's RSTs [RFC 7413 5.1].
 */
export class FastOpenQueue {
  readonly limit: number;
  /** SYNs need a cookie. */
  readonly cookies: boolean;
  /** Connections in SYN-RECEIVED. */
  pending: number = 0;
  readonly #hold: Duration;
  /** Until when each connection that was reset counts, oldest first. */
  readonly #resets: Instant[] = [];

  constructor({ queue, cookies = true }: FastOpenListen, defaultLimit: number, hold: Duration) {
    this.limit = Math.max(0, queue ?? defaultLimit);
    this.cookies = cookies;
    this.#hold = hold;
  }

  /** No further connection may be opened by its cookie now. */
  isFull(now: Instant): boolean {
    while ((this.#resets[0] ?? NEVER) <= now) this.#resets.shift();
    return this.pending + this.#resets.length >= this.limit;
  }

  /** A RST ended a connection that was pending. */
  resetAt(now: Instant): void {
    this.#resets.push(after(now, this.#hold));
  }
}

/** The server's part: makes cookies and knows its own [RFC 7413 4.1.2]. */
export class FastOpenServer {
  readonly #context: HostContext;
  #keys: CookieKeys | undefined;

  constructor(context: HostContext) {
    this.#context = context;
  }

  /** The queue of a new listener; undefined if the host's settings leave no room for it. */
  listen(options: FastOpenListen): FastOpenQueue | undefined {
    const { fastOpen, fastOpenQueue, fastOpenResetHold } = this.#context.settings.tcp;
    if (fastOpen !== 'both' && fastOpen !== 'server') return undefined;
    return new FastOpenQueue(options, fastOpenQueue, fastOpenResetHold);
  }

  /**
   * A SYN of `length` bytes came from `client` to `server` [RFC 7413 4.2.2, "Server: Receiving SYN"]. Undefined: as if there were no
   * Fast Open, which is so also when too many connections are pending.
   */
  judge(
    queue: FastOpenQueue | undefined,
    options: TcpOptions,
    length: number,
    client: IpAddress,
    server: IpAddress,
  ): FastOpened | undefined {
    const option = fastOpenOf(options);
    const { now } = this.#context;
    if (queue === undefined || (option === undefined && length === 0) || queue.isFull(now)) return undefined;
    if (!queue.cookies) return new FastOpened(queue, true, undefined);
    if (option === undefined) return undefined;
    this.#keys ??= new CookieKeys(this.#context);
    const { current, previous } = this.#keys.at(now);
    const cookie = cookieFor(current, client, server);
    if (sameBytes(option.cookie, cookie)) return new FastOpened(queue, true, undefined);
    const reply = { cookie, experimental: option.experimental };
    const old = previous !== undefined && sameBytes(option.cookie, cookieFor(previous, client, server));
    return new FastOpened(queue, old, reply); // one of the key before is still good, and gets the new one
  }
}

/** The key that cookies are made with, and the one before [RFC 7413 4.1.2: it is to change from time to time]. */
class CookieKeys {
  readonly #context: HostContext;
  #current: SipKey;
  #previous: SipKey | undefined;
  #since: Instant;

  constructor(context: HostContext) {
    this.#context = context;
    this.#since = context.now;
    this.#current = parseKey(context.settings.tcp.fastOpenKey) ?? this.#draw();
  }

  at(now: Instant): { readonly current: SipKey; readonly previous: SipKey | undefined } {
    const { fastOpenKey, fastOpenKeyLifetime } = this.#context.settings.tcp;
    const age = now - this.#since;
    if (fastOpenKey === '' && fastOpenKeyLifetime > 0 && age >= fastOpenKeyLifetime) {
      this.#previous = age < 2 * fastOpenKeyLifetime ? this.#current : undefined;
      this.#current = this.#draw();
      this.#since = now;
    } else if (age >= fastOpenKeyLifetime) {
      this.#previous = undefined;
    }
    return { current: this.#current, previous: this.#previous };
  }

  #draw(): SipKey {
    return new SipKey(randomBytes(this.#context.random, 16));
  }
}

/** Four groups of eight hex digits, as `net.ipv4.tcp_fastopen_key` has them; undefined if it is none. */
function parseKey(text: string): SipKey | undefined {
  const groups = text.split('-');
  if (groups.length !== 4 || !groups.every((group) => /^[0-9a-f]{1,8}$/i.test(group))) return undefined;
  const key = new Uint8Array(16);
  const view = new DataView(key.buffer);
  for (const [index, group] of groups.entries()) view.setUint32(4 * index, Number.parseInt(group, 16), true);
  return new SipKey(key);
}

/** The cookie is bound to both addresses; 8 bytes, as Linux has it, so that hosts that share a key agree. */
function cookieFor(key: SipKey, client: IpAddress, server: IpAddress): Uint8Array {
  const { low, high } = siphash(key, Uint8Array.of(...addressBytes(client), ...addressBytes(server)));
  const cookie = new Uint8Array(8);
  const view = new DataView(cookie.buffer);
  view.setUint32(0, low, true);
  view.setUint32(4, high, true);
  return cookie;
}

function addressBytes(address: IpAddress): number[] {
  const words = isIPv4(address) ? [address] : [address.a, address.b, address.c, address.d];
  return words.flatMap((word) => [word >>> 24, (word >>> 16) & 0xff, (word >>> 8) & 0xff, word & 0xff]);
}

/** Compares all of both, however early they differ. */
function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  let different = a.length ^ b.length;
  for (let i = 0; i < b.length; i++) different |= (a[i] ?? 0) ^ (b[i] ?? 0);
  return different === 0;
}
