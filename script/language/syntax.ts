/** What a `.pkt` script says: the parser's result, the interpreter's input. Plain data, so that tools can change a script. */

/** A place in the text: both count from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** A whole script. */
export interface Script {
  readonly options: readonly ScriptOption[];
  /** Runs before time begins. */
  readonly init: ShellAction | undefined;
  readonly events: readonly ScriptEvent[];
  /** Runs at the end, also after a failure. */
  readonly cleanup: ShellAction | undefined;
}

/** `--name=value`. */
export interface ScriptOption {
  readonly name: string;
  /** Empty: there was none. */
  readonly value: string;
  readonly position: Position;
}

/** When an event happens, in microseconds; `until`: anywhere up to there (outbound packets only). */
export type TimeSpec =
  | { readonly kind: 'absolute' | 'relative'; readonly from: number; readonly until: number | undefined }
  | { readonly kind: 'any' };

/** A time and what happens then. */
export interface ScriptEvent {
  readonly time: TimeSpec;
  /** A blocking call: when it returns, counted as `time` is. */
  readonly returnsAt: number | undefined;
  readonly action: Action;
  readonly position: Position;
  /** The event as it stands in the script, on one line. */
  readonly text: string;
}

export type Action = PacketAction | CallAction | ShellAction | CodeAction;

/** A command in backticks. */
export interface ShellAction {
  readonly type: 'shell';
  readonly command: string;
  readonly position: Position;
}

/** What stands between `%{` and `}%`. */
export interface CodeAction {
  readonly type: 'code';
  readonly code: string;
  readonly position: Position;
}

/** A number that a packet must have: one, a range, or any. */
export type NumberSpec = { readonly min: number; readonly max: number } | 'any';

/** A packet to be injected (`<`) or expected (`>`). */
export interface PacketAction {
  readonly type: 'packet';
  readonly direction: 'in' | 'out';
  readonly ip: IpInfo;
  /** `conn NAME`: which of several connections. */
  readonly connection: string | undefined;
  readonly ports: Ports | undefined;
  readonly body: TcpBody | UdpBody | IcmpBody | RawBody | EncapsulatedBody;
}

export interface Ports {
  readonly source: number;
  readonly destination: number;
}

export type EcnWord = 'ect0' | 'ect1' | 'ce' | 'noecn' | 'ect01';

/** What stands in `(...)` or `[...]` after the direction. */
export interface IpInfo {
  readonly ecn: EcnWord | undefined;
  /** The whole byte. */
  readonly tos: number | undefined;
  readonly dscp: number | undefined;
  readonly ttl: number | undefined;
  readonly flowLabel: number | undefined;
  /** Which checksums are to be wrong (inbound). */
  readonly wrong: readonly ('checksum' | 'ip-checksum')[];
}

/** Letters or, for ECE, CWR and AE, one digit. */
export interface Flags {
  readonly fin: boolean;
  readonly syn: boolean;
  readonly rst: boolean;
  readonly psh: boolean;
  readonly ack: boolean;
  readonly urg: boolean;
  readonly ece: boolean;
  readonly cwr: boolean;
  readonly ae: boolean;
}

export interface TcpBody {
  readonly kind: 'tcp';
  readonly flags: Flags;
  /** `absolute`: as on the wire, no mapping; `any`: not checked. */
  readonly sequence: { readonly mode: 'mapped' | 'absolute' | 'any'; readonly start: number };
  /** Payload bytes. */
  readonly length: number;
  readonly ack: NumberSpec | undefined;
  /** As on the wire, unscaled. */
  readonly window: NumberSpec | undefined;
  readonly urgent: number | undefined;
  readonly options: OptionsSpec;
  /** `/udp(a > b)`: TCP in UDP. */
  readonly udp: Ports | undefined;
}

/** `exact`: these in this order; `set`: these in any order, whatever the padding; `ignored`: not looked at. */
export interface OptionsSpec {
  readonly mode: 'exact' | 'set' | 'ignored';
  readonly list: readonly OptionSpec[];
}

/** Left and right edge of a block. */
export interface BlockSpec {
  readonly left: number;
  readonly right: number;
}

export type OptionSpec =
  | { readonly name: 'mss' | 'wscale'; readonly value: NumberSpec }
  | { readonly name: 'sackOK' | 'nop' | 'eol' }
  | { readonly name: 'sack'; readonly blocks: readonly BlockSpec[] }
  | {
      readonly name: 'TS';
      readonly value: NumberSpec;
      readonly echo: NumberSpec;
      readonly absoluteEcho: boolean;
    }
  | { readonly name: 'md5' | 'FO' | 'FOEXP'; readonly hex: string }
  | { readonly name: 'ECN'; readonly order: 0 | 1; readonly counters: readonly number[] }
  | { readonly name: 'opt'; readonly kind: number; readonly hex: string };

export interface UdpBody {
  readonly kind: 'udp';
  readonly length: number;
}

export interface IcmpBody {
  readonly kind: 'icmp';
  /** Names, or `type_N` and `code_N`: `icmpNumbers` says what they are in the script's version of IP. */
  readonly typeName: string;
  readonly codeName: string | undefined;
  readonly mtu: number | undefined;
  readonly id: number | undefined;
  readonly quote: IcmpQuote;
}

export type IcmpQuote =
  | { readonly kind: 'tcp'; readonly start: number; readonly length: number }
  | { readonly kind: 'udp' | 'raw'; readonly length: number };

/** Bytes of an IP packet as they are. */
export interface RawBody {
  readonly kind: 'raw';
  readonly hex: string;
}

/** An encapsulation: parsed as far as its name. */
export interface EncapsulatedBody {
  readonly kind: 'encapsulated';
  readonly name: string;
}

/** A system call and what it has to return. */
export interface CallAction {
  readonly type: 'call';
  readonly name: string;
  readonly args: readonly Value[];
  /** undefined: anything. */
  readonly result: Value | undefined;
  readonly errno: string | undefined;
}

/** An argument. */
export type Value =
  | { readonly type: 'integer'; readonly value: number; readonly hex: boolean }
  | { readonly type: 'text'; readonly value: string }
  /** `...`: the interpreter supplies it. */
  | { readonly type: 'supplied' }
  /** Words of the system's headers, joined with `|`. */
  | { readonly type: 'flags'; readonly parts: readonly Value[] }
  | { readonly type: 'word'; readonly name: string }
  | { readonly type: 'list'; readonly items: readonly Value[] }
  | { readonly type: 'struct'; readonly fields: readonly StructField[] }
  | { readonly type: 'function'; readonly name: string; readonly args: readonly Value[] };

/** `name=value`, `name(k)=value`, or a value alone. */
export interface StructField {
  readonly name: string | undefined;
  readonly args: readonly Value[];
  readonly value: Value;
}
