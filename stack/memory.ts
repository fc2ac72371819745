/** What memory is used for; see `Memory`. */
export const MEMORY_KINDS = [
  'connections',
  'send',
  'scoreboard',
  'receive',
  'outOfOrder',
  'halfOpen',
  'timeWait',
  'reassembly',
] as const;

/** The name of a use of memory. */
export type MemoryKind = (typeof MEMORY_KINDS)[number];

/**
 * How much memory a host holds, by use, in bytes with what holding them costs. Whoever holds some tells the change, so a look costs
 * nothing. Of the limit (`maxMemory`), at three quarters new connections are refused, at seven eighths buffers grow no more and
 * out-of-order data goes, and beyond it the connection that takes more is aborted (attacks.md A16).
 */
export class Memory {
  readonly max: number;
  readonly #bytes: Record<MemoryKind, number> = {
    connections: 0,
    send: 0,
    scoreboard: 0,
    receive: 0,
    outOfOrder: 0,
    halfOpen: 0,
    timeWait: 0,
    reassembly: 0,
  };
  #total: number = 0;

  constructor(max: number) {
    this.max = max;
  }

  /** `kind` holds `bytes` more, or less if negative. */
  add(kind: MemoryKind, bytes: number): void {
    this.#bytes[kind] += bytes;
    this.#total += bytes;
  }

  /** `kind` holds `bytes` now. */
  set(kind: MemoryKind, bytes: number): void {
    this.add(kind, bytes - this.#bytes[kind]);
  }

  /** Bytes in all. */
  get total(): number {
    return this.#total;
  }

  /** Bytes of each kind. */
  byKind(): Readonly<Record<MemoryKind, number>> {
    return { ...this.#bytes };
  }

  /** No new connections: three quarters are used. */
  get refusesConnections(): boolean {
    return this.#total * 4 > this.max * 3;
  }

  /** No buffer may grow: seven eighths are used. */
  get refusesGrowth(): boolean {
    return this.#total * 8 > this.max * 7;
  }

  /** All is used. */
  get exhausted(): boolean {
    return this.#total > this.max;
  }
}
