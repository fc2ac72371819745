import type { IcmpErrorKind } from '../tcp/events.ts';
import type { IpAddress } from '../wire/address.ts';

/** What to send as an echo request. */
export interface Ping {
  /** 0..65535; tells whose pings they are. */
  readonly identifier: number;
  /** 0..65535 */
  readonly sequence: number;
  /** At most 65,507 bytes over IPv4, 65,527 over IPv6; comes back as it is. */
  readonly payload: Uint8Array;
  readonly ttl?: number;
  /** The address of ours to send from. */
  readonly source?: IpAddress;
}

/** An answer to a ping. */
export interface EchoReply {
  readonly source: IpAddress;
  readonly identifier: number;
  readonly sequence: number;
  readonly ttl: number;
  /** Valid during the call. */
  readonly payload: Uint8Array;
}

/** A ping that did not arrive. */
export interface EchoError {
  readonly kind: IcmpErrorKind;
  /** Where the ping was sent to. */
  readonly destination: IpAddress;
  readonly identifier: number;
  readonly sequence: number;
}

/** Who waits for answers to pings, whatever the IP version. */
export class EchoListeners {
  readonly #replies: Set<(reply: EchoReply) => void> = new Set();
  readonly #errors: Set<(error: EchoError) => void> = new Set();

  /** Calls `listener` for every echo reply from now on; the result ends that. */
  onReply(listener: (reply: EchoReply) => void): () => void {
    this.#replies.add(listener);
    return () => this.#replies.delete(listener);
  }

  /** Calls `listener` for every error about an echo request of ours; the result ends that. */
  onError(listener: (error: EchoError) => void): () => void {
    this.#errors.add(listener);
    return () => this.#errors.delete(listener);
  }

  replied(reply: EchoReply): void {
    for (const listener of this.#replies) listener(reply);
  }

  failed(error: EchoError): void {
    for (const listener of this.#errors) listener(error);
  }
}
