import { MAX_OPTION_BYTES, type TcpOptions } from '../wire/tcp-options.ts';
import type { TcpConnection } from './connection.ts';
import type { CloseReason } from './events.ts';
import { type FastOpenOption, fastOpenOf, withFastOpen } from './fast-open.ts';
import type { FastOpenCache } from './fast-open-cache.ts';
import type { ArrivedSegment } from './segment.ts';
import { type SeqNumber, add, gt } from './sequence.ts';

/** How a program connects with Fast Open. */
export interface FastOpenConnect {
  /** Leaves with the SYN if there is a cookie for the server, else after the handshake. `send` before the SYN left adds to it. */
  readonly data?: Uint8Array;
  /** False: data leaves with the SYN without a cookie, to servers that ask for none. */
  readonly cookie?: boolean;
}

/** Linux's names, in the order of its numbers, from 1 on. */
export type FastOpenFailure = 'cookie-unavailable' | 'data-not-acked' | 'syn-retransmitted';

/** The client's part of Fast Open, for one connection [RFC 7413 4.2.1, 4.2.2]. */
export class FastOpenAttempt {
  readonly #connection: TcpConnection;
  readonly #cache: FastOpenCache;
  /** What the first SYN has: a cookie, or a request for one. */
  readonly #option: FastOpenOption | undefined;
  readonly #dataAllowed: boolean;
  #synSent: boolean = false;
  /** Bytes that left with the SYN. */
  #sent: number = 0;
  #answered: boolean = false;
  /** The server took what the SYN had. */
  taken: boolean = false;
  /** SND.UNA when the handshake was over. */
  #unaAfterwards: SeqNumber | undefined;

  constructor(connection: TcpConnection, cache: FastOpenCache, { cookie = true }: FastOpenConnect) {
    const { local, remote, context } = connection;
    this.#connection = connection;
    this.#cache = cache;
    const blocked = cache.isBlocked(local.address, remote, context.now);
    this.#option = cookie ? cache.option(local.address, remote, context.now) : undefined;
    this.#dataAllowed = cookie ? (this.#option?.cookie.length ?? 0) > 0 : !blocked;
  }

  /** Bytes that the SYN, which has not left yet, can carry; 0: none, data has to wait for the handshake. */
  get room(): number {
    if (!this.#dataAllowed || this.#synSent) return 0;
    const { local, remote, announcedMss, defaultMss } = this.#connection;
    const mss = Math.min(this.#cache.mss(local.address, remote.address, defaultMss), announcedMss);
    return Math.max(0, mss - MAX_OPTION_BYTES);
  }

  /**
   * The options and the bytes of a SYN that leaves now, of which `options` is known. Only the first one is special: the network may be
   * dropping what it does not know [RFC 7413 4.2.2]. SND.NXT moves over the data.
   */
  syn(options: TcpOptions): { readonly options: TcpOptions; readonly length: number } {
    const connection = this.#connection;
    const { sender, context } = connection;
    const { room } = this;
    if (this.#synSent) return { options, length: 0 };
    this.#synSent = true;
    const option = this.#option;
    const layout = context.settings.tcp.optionLayout;
    const extended = option === undefined ? options : withFastOpen(options, option, layout);
    if (extended === undefined) return { options, length: 0 };
    this.#sent = Math.min(sender.queue.length, room);
    sender.nxt = add(sender.nxt, this.#sent);
    return { options: extended, length: this.#sent };
  }

  /** The SYN-ACK came: what it tells is remembered [RFC 7413 4.2.2, "Client: Receiving SYN-ACK"]. */
  answered({ header }: ArrivedSegment): void {
    const { local, remote, context, sender, synRetransmitted } = this.#connection;
    const { address } = local;
    const { now } = context;
    this.#answered = true;
    const option = fastOpenOf(header.options);
    // Unasked for it means nothing; an empty one is no cookie.
    if (this.#option !== undefined && option !== undefined && option.cookie.length > 0) {
      this.#cache.learned(address, remote, option, header.options.mss);
    }
    const taken = header.ack !== undefined && gt(header.ack, add(sender.iss, 1));
    this.taken = taken;
    if (taken) this.#cache.succeeded(address, remote);
    else if (option !== undefined)
      return; // refused with a new cookie
    else if (this.#sent > 0) this.#cache.failed(address, remote, now);
    else if (this.#option !== undefined && synRetransmitted) this.#cache.failed(address, remote, now);
    else if (this.#option !== undefined) this.#cache.refused(address, remote, now);
  }

  /** Why no data went through with the SYN; undefined: it did, or this is not known yet. */
  get failure(): FastOpenFailure | undefined {
    if (this.#synSent && this.#sent === 0 && !this.#dataAllowed) return 'cookie-unavailable';
    if (this.#sent === 0 || this.taken) return undefined;
    if (this.#connection.synRetransmitted) return 'syn-retransmitted';
    return this.#answered ? 'data-not-acked' : undefined;
  }

  /** The handshake is over: what left with the SYN and was not taken leaves again, now in its turn [RFC 7413 4.2.2]. */
  established(): void {
    const { sender } = this.#connection;
    this.#unaAfterwards = sender.una;
    if (gt(sender.nxt, sender.una)) sender.nxt = sender.una;
  }

  /** Retransmissions have reached R1: after Fast Open, with nothing acknowledged since, the path may be swallowing what follows it. */
  pathSilent(): void {
    const { local, remote, context, sender } = this.#connection;
    if (this.#sent > 0 && this.#unaAfterwards === sender.una) {
      this.#cache.failed(local.address, remote, context.now);
      this.#unaAfterwards = undefined;
    }
  }

  /** The connection is over. No answer at all, or an ICMP error in its place, is the worst of answers [RFC 7413 4.1.3.1]. */
  over(reason: CloseReason | undefined): void {
    const { local, remote, context } = this.#connection;
    if (this.#answered || (reason !== 'timeout' && reason !== 'unreachable')) return;
    if (this.#option === undefined && this.#sent === 0) return;
    this.#cache.failed(local.address, remote, context.now);
  }
}
