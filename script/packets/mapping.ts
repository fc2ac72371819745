import type { Ports } from '../language/syntax.ts';
import type { LiveTcp } from './live-packet.ts';

/**
 * One connection as a script sees it: which script numbers stand for which live ones. In a packet with SYN the script's numbers are its
 * own absolute ones; in all others they count from the SYN of their side.
 */
export class ScriptConnection {
  /** `conn NAME`; empty for the unnamed one. */
  readonly name: string;
  /** Undefined until the stack's first packet shows it. */
  localPort: number | undefined;
  readonly remotePort: number;
  /** What the remote side began with: the same in script and on the wire. */
  remoteIsn: number = 0;
  /** The stack's first number on the wire, and in the script. */
  localIss: number | undefined;
  scriptIss: number = 0;
  /** The first pair of timestamps: in the script and live. */
  #timestampBase: { readonly script: number; readonly live: number } | undefined;
  readonly #timestamps: Map<number, number> = new Map();
  /** Live flow labels by what the script calls them. */
  readonly #flowLabels: Map<number, number> = new Map();
  #remoteSynSeen: boolean = false;
  #candidateIsn: number | undefined;
  /** The stack has sent an ACK, so it has taken a SYN. */
  #acknowledged: boolean = false;

  constructor(name: string, localPort: number | undefined, remotePort: number) {
    this.name = name;
    this.localPort = localPort;
    this.remotePort = remotePort;
  }

  /** Whether a packet with these ports, as the stack sends it, is of this connection. */
  owns({ source, destination }: Ports): boolean {
    return this.remotePort === destination && (this.localPort === undefined || this.localPort === source);
  }

  /**
   * An injected SYN carries `isn`. It counts as the remote's number until the stack has acknowledged one; a later one (a
   * stray SYN, or one that reuses the ports) only if the stack acknowledges it.
   */
  remoteSyn(isn: number): void {
    this.#candidateIsn = isn;
    if (this.#remoteSynSeen && this.#acknowledged) return;
    this.remoteIsn = isn;
    this.#remoteSynSeen = true;
  }

  /** Learns from what the stack sent. `scriptSequence`: what the script calls its number, if a line speaks of it. */
  learn(tcp: LiveTcp, scriptSequence: number | undefined): void {
    this.localPort ??= tcp.sourcePort;
    const { flags } = tcp;
    const reopened =
      flags.syn &&
      flags.ack &&
      this.#candidateIsn !== undefined &&
      this.#candidateIsn !== this.remoteIsn &&
      (tcp.ack - this.#candidateIsn - 1) >>> 0 <= 0xffff;
    if (reopened && this.#candidateIsn !== undefined) {
      this.remoteIsn = this.#candidateIsn;
      this.localIss = undefined;
      this.#timestampBase = undefined;
    }
    if (flags.syn && this.localIss === undefined && scriptSequence !== undefined) {
      this.localIss = tcp.sequence;
      this.scriptIss = scriptSequence;
    }
    if (flags.ack && !flags.rst) this.#acknowledged = true;
  }

  /** Notes that the script calls the live timestamp `live` `script`. */
  learnTimestamp(script: number, live: number): void {
    this.#timestampBase ??= { script, live };
    this.#timestamps.set(script, live);
  }

  /** What the script calls the live timestamp; undefined before the first pair. */
  scriptTimestamp(live: number): number | undefined {
    if (this.#timestampBase === undefined) return undefined;
    return (this.#timestampBase.script + (live - this.#timestampBase.live)) >>> 0;
  }

  /** The live timestamp that the stack sent where the script says `script`. */
  liveTimestamp(script: number): number | undefined {
    const known = this.#timestamps.get(script);
    if (known !== undefined || this.#timestampBase === undefined) return known;
    return undefined;
  }

  /**
   * What the script calls the live flow label `live`, where it expects `expected`: the label is the stack's own choice, so the first
   * packet says which it is. 0 is no label, and means itself.
   */
  scriptFlowLabel(live: number, expected: number): number {
    if (live === 0 || expected === 0) return live;
    for (const [script, known] of this.#flowLabels) if (known === live) return script;
    if (this.#flowLabels.has(expected)) return live;
    this.#flowLabels.set(expected, live);
    return expected;
  }

  /** A local number (outbound sequence, inbound ack) as on the wire. */
  liveLocal(script: number, syn: boolean): number {
    const iss = this.localIss ?? 0;
    return (syn ? script + (iss - this.scriptIss) : script + iss) >>> 0;
  }

  /** A local number of the wire as in the script. */
  scriptLocal(live: number, syn: boolean): number {
    const iss = this.localIss ?? 0;
    return (syn ? live - iss + this.scriptIss : live - iss) >>> 0;
  }

  /** A remote number (inbound sequence, outbound ack) as on the wire. */
  liveRemote(script: number, syn: boolean): number {
    return (syn ? script : script + this.remoteIsn) >>> 0;
  }

  /** A remote number of the wire as in the script. */
  scriptRemote(live: number, syn: boolean): number {
    return (syn ? live : live - this.remoteIsn) >>> 0;
  }
}
