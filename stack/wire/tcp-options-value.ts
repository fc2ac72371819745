/**
 * What the options of a TCP segment say; `tcp-options.ts` reads and writes them.
 */
import type { SeqNumber } from '../tcp/sequence.ts';

/** A block of received data: `left` is its first sequence number, `right` the one after its last. RFC 2018 3. */
export interface SackBlock {
  readonly left: SeqNumber;
  readonly right: SeqNumber;
}

/** RFC 7323 3.2; each 0..2^32-1. */
export interface Timestamps {
  /** TSval: the sender's clock. */
  readonly value: number;
  /** TSecr: the last TSval that it received, if its segment has ACK. */
  readonly echo: number;
}

/** An option as on the wire: `data` is what follows kind and length. */
export interface RawOption {
  /** 2..255 */
  readonly kind: number;
  /** 0..38 bytes, a copy. */
  readonly data: Uint8Array;
}

/** The options of one segment; undefined where a segment does not have one. */
export interface TcpOptions {
  /** 0..65535 bytes. RFC 9293 3.7.1. */
  readonly mss: number | undefined;
  /** The shift as on the wire, 0..255; more than 14 means 14. RFC 7323 2.3. */
  readonly windowScale: number | undefined;
  readonly sackPermitted: boolean;
  /** One to four blocks. */
  readonly sack: readonly SackBlock[] | undefined;
  readonly timestamps: Timestamps | undefined;
  /** A Fast Open cookie of 4 to 16 bytes, or none (a request for one). RFC 7413 4.1.1. */
  readonly fastOpen: Uint8Array | undefined;
  /** What else there was, in its order. */
  readonly others: readonly RawOption[] | undefined;
}

/** A segment without options. */
export const NO_OPTIONS: TcpOptions = Object.freeze({
  mss: undefined,
  windowScale: undefined,
  sackPermitted: false,
  sack: undefined,
  timestamps: undefined,
  fastOpen: undefined,
  others: undefined,
});

/** `NO_OPTIONS` but for those given. */
export function options(partial: Partial<TcpOptions>): TcpOptions {
  return { ...NO_OPTIONS, ...partial };
}

/**
 * The order and padding in which options are written. `linux`: as Linux has them (`tcp_options_write`), so that captures
 * look alike. `freebsd`: as FreeBSD has them (`tcp_addoptions`), NOPs only where an option needs them, zeros at the end.
 * `standard`: one aligned group an option, easy to read.
 */
export type OptionLayout = 'standard' | 'linux' | 'freebsd';

/** Option kinds (IANA, "TCP Option Kind Numbers"). */
export const KIND = {
  eol: 0,
  nop: 1,
  mss: 2,
  windowScale: 3,
  sackPermitted: 4,
  sack: 5,
  timestamps: 8,
  md5: 19,
  fastOpen: 34,
  accEcn0: 172,
  accEcn1: 174,
  experimental: 254,
} as const;

/** What options may take of a header, in bytes: data offset is at most 15 words, 5 of them are fixed. */
export const MAX_OPTION_BYTES = 40;
