import type { IpAddress, IPv4Address } from '../wire/address.ts';
import { IPv6Address, isIPv4 } from '../wire/address.ts';
import { type Instant, NEVER } from '../time.ts';
import type { Endpoint } from './events.ts';

/** Words and doubles of a record; the first are the table's own. */
const WORDS = 24;
const DOUBLES = 4;
const PAGE = 256;
/** Bytes that a record takes, without its place in the index (4 to 16 bytes). */
export const RECORD_BYTES: number = WORDS * 4 + DOUBLES * 8;

/** Places of the table's own words. */
const HASH = 0;
const LOCAL = 1;
const REMOTE = 5;
const PORTS = 9;
const PLACE = 10;
const PREVIOUS = 11;
const NEXT = 12;
const FIRST_FREE_WORD = 13;
/** Words and doubles that the user of a record has. */
export const USER_WORDS: number = WORDS - FIRST_FREE_WORD;
export const USER_DOUBLES: number = DOUBLES - 1;

const V6 = 0x100;
/** Of the place: from this bit on the number of the interface. */
const VIA_SHIFT = 9;
const REMOVED = 0xffff_ffff;

interface Page {
  readonly words: Uint32Array;
  readonly doubles: Float64Array;
}

/** Ends of a list of records, as row + 1; 0: none. */
interface List {
  first: number;
  last: number;
  size: number;
}

/**
 * Connections that are little more than their addresses: half-open ones and those in TIME-WAIT. Each is a row of numbers in pages of typed
 * arrays, found by a keyed hash (attacks.md J2), and a member of one list ordered by deadline. Who adds with the same delay adds at the
 * end, so that is one step.
 */
export class CompactRecords {
  readonly #hashOf: (local: IpAddress, remote: IpAddress, ports: number) => number;
  readonly #lists: List[];
  #pages: Page[] = [];
  #rows: number = 0;
  #free: number[] = [];
  /** Row + 1, 0 for never used. */
  #index: Uint32Array = new Uint32Array(64);
  #used: number = 0;
  #size: number = 0;
  /** Elements touched so far: for tests of growth. */
  steps: number = 0;

  constructor(lists: number, hashOf: (local: IpAddress, remote: IpAddress, ports: number) => number) {
    this.#hashOf = hashOf;
    this.#lists = Array.from({ length: lists }, () => ({ first: 0, last: 0, size: 0 }));
  }

  /** Records in all. */
  get size(): number {
    return this.#size;
  }

  /** Records of `list`. */
  sizeOf(list: number): number {
    return this.#lists[list]?.size ?? 0;
  }

  /** Bytes taken, index and free rows included; 0 without records, though one page is kept for the next. */
  get bytes(): number {
    if (this.#size === 0) return 0;
    return this.#pages.length * PAGE * RECORD_BYTES + this.#index.length * 4 + this.#free.length * 8;
  }

  /** The record between the two ends; -1: none. */
  find(local: IpAddress, localPort: number, remote: IpAddress, remotePort: number): number {
    if (this.#size === 0) return -1;
    const ports = ((localPort << 16) | remotePort) >>> 0;
    const hash = this.#hashOf(local, remote, ports);
    const mask = this.#index.length - 1;
    for (let at = hash & mask; ; at = (at + 1) & mask) {
      this.steps += 1;
      const entry = this.#index[at] ?? 0;
      if (entry === 0) return -1;
      if (entry === REMOVED) continue;
      const row = entry - 1;
      if (this.#own(row, HASH) !== hash || this.#own(row, PORTS) !== ports) continue;
      if (this.#is(row, LOCAL, local) && this.#is(row, REMOTE, remote)) return row;
    }
  }

  /** A new record of `list`, of a connection by the interface with this number; returns its row. */
  add(list: number, local: Endpoint, remote: Endpoint, deadline: Instant, via: number = 0): number {
    if ((this.#used + 1) * 2 > this.#index.length) this.#rebuild();
    const row = this.#free.pop() ?? this.#newRow();
    const ports = ((local.port << 16) | remote.port) >>> 0;
    const hash = this.#hashOf(local.address, remote.address, ports);
    this.#setOwn(row, HASH, hash);
    this.#setOwn(row, PORTS, ports);
    this.#setOwn(row, PLACE, list | (isIPv4(remote.address) ? 0 : V6) | (via << VIA_SHIFT));
    this.#put(row, LOCAL, local.address);
    this.#put(row, REMOTE, remote.address);
    this.#doubles(row)[this.#double(row)] = deadline;
    this.#place(row, hash);
    this.#link(row, list, deadline);
    this.#size += 1;
    return row;
  }

  /** Takes a record out; its row may be used again. */
  remove(row: number): void {
    const mask = this.#index.length - 1;
    let at = (this.#own(row, HASH) ?? 0) & mask;
    while (this.#index[at] !== row + 1) at = (at + 1) & mask;
    this.#index[at] = REMOVED;
    this.#unlink(row);
    this.#size -= 1;
    if (this.#size > 0) this.#free.push(row);
    else this.#giveBack();
  }

  /** Its local end. */
  local(row: number): Endpoint {
    return { address: this.#address(row, LOCAL), port: this.#own(row, PORTS) >>> 16 };
  }

  /** Its remote end. */
  remote(row: number): Endpoint {
    return { address: this.#address(row, REMOTE), port: this.#own(row, PORTS) & 0xffff };
  }

  /** The number of its interface. */
  via(row: number): number {
    return this.#own(row, PLACE) >>> VIA_SHIFT;
  }

  deadline(row: number): Instant {
    return this.#doubles(row)[this.#double(row)] as Instant;
  }

  listOf(row: number): number {
    return this.#own(row, PLACE) & 0xff;
  }

  /** The record of `list` that is due first; -1: none. */
  first(list: number): number {
    return (this.#lists[list]?.first ?? 0) - 1;
  }

  /** The record that is due first of all; -1: none. */
  get earliest(): number {
    let best = -1;
    for (const { first } of this.#lists) {
      if (first === 0) continue;
      if (best === -1 || this.deadline(first - 1) < this.deadline(best)) best = first - 1;
    }
    return best;
  }

  /** When that is. */
  get nextDeadline(): Instant {
    const row = this.earliest;
    return row === -1 ? NEVER : this.deadline(row);
  }

  /** All rows of all lists, as they were when asked. */
  rows(): number[] {
    const rows: number[] = [];
    for (const { first } of this.#lists)
      for (let entry = first; entry !== 0; entry = this.#own(entry - 1, NEXT)) rows.push(entry - 1);
    return rows;
  }

  /** One of the user's words, 0..2^32-1. */
  word(row: number, place: number): number {
    return this.#own(row, FIRST_FREE_WORD + place);
  }

  setWord(row: number, place: number, value: number): void {
    this.#setOwn(row, FIRST_FREE_WORD + place, value);
  }

  /** One of the user's doubles. */
  number(row: number, place: number): number {
    return this.#doubles(row)[this.#double(row) + 1 + place] ?? 0;
  }

  setNumber(row: number, place: number, value: number): void {
    this.#doubles(row)[this.#double(row) + 1 + place] = value;
  }

  #own(row: number, place: number): number {
    return this.#pages[Math.floor(row / PAGE)]?.words[(row % PAGE) * WORDS + place] ?? 0;
  }

  #setOwn(row: number, place: number, value: number): void {
    const page = this.#pages[Math.floor(row / PAGE)];
    if (page !== undefined) page.words[(row % PAGE) * WORDS + place] = value;
  }

  #doubles(row: number): Float64Array {
    return this.#pages[Math.floor(row / PAGE)]?.doubles ?? NO_DOUBLES;
  }

  #double(row: number): number {
    return (row % PAGE) * DOUBLES;
  }

  #newRow(): number {
    if (this.#rows === this.#pages.length * PAGE) {
      this.#pages.push({
        words: new Uint32Array(PAGE * WORDS),
        doubles: new Float64Array(PAGE * DOUBLES),
      });
    }
    this.#rows += 1;
    return this.#rows - 1;
  }

  #put(row: number, place: number, address: IpAddress): void {
    if (isIPv4(address)) return this.#setOwn(row, place, address);
    this.#setOwn(row, place, address.a);
    this.#setOwn(row, place + 1, address.b);
    this.#setOwn(row, place + 2, address.c);
    this.#setOwn(row, place + 3, address.d);
  }

  #address(row: number, place: number): IpAddress {
    const first = this.#own(row, place);
    if ((this.#own(row, PLACE) & V6) === 0) return first as IPv4Address;
    const [b, c, d] = [place + 1, place + 2, place + 3].map((each) => this.#own(row, each));
    return new IPv6Address(first, b ?? 0, c ?? 0, d ?? 0);
  }

  #is(row: number, place: number, address: IpAddress): boolean {
    const v6 = (this.#own(row, PLACE) & V6) !== 0;
    if (isIPv4(address)) return !v6 && this.#own(row, place) === address;
    return (
      v6 &&
      this.#own(row, place) === address.a &&
      this.#own(row, place + 1) === address.b &&
      this.#own(row, place + 2) === address.c &&
      this.#own(row, place + 3) === address.d
    );
  }

  #place(row: number, hash: number): void {
    const mask = this.#index.length - 1;
    let at = hash & mask;
    while (this.#index[at] !== 0) at = (at + 1) & mask;
    this.#index[at] = row + 1;
    this.#used += 1;
  }

  /** An index with room again, without what was removed. */
  #rebuild(): void {
    let length = 64;
    while (length < (this.#size + 1) * 4) length *= 2;
    this.#index = new Uint32Array(length);
    this.#used = 0;
    for (const row of this.rows()) this.#place(row, this.#own(row, HASH));
  }

  /** Behind those of the list that are due no later. */
  #link(row: number, list: number, deadline: Instant): void {
    const ends = this.#lists[list];
    if (ends === undefined) return;
    let before = ends.last;
    while (before !== 0 && this.deadline(before - 1) > deadline) {
      this.steps += 1;
      before = this.#own(before - 1, PREVIOUS);
    }
    const behind = before === 0 ? ends.first : this.#own(before - 1, NEXT);
    this.#setOwn(row, PREVIOUS, before);
    this.#setOwn(row, NEXT, behind);
    if (before === 0) ends.first = row + 1;
    else this.#setOwn(before - 1, NEXT, row + 1);
    if (behind === 0) ends.last = row + 1;
    else this.#setOwn(behind - 1, PREVIOUS, row + 1);
    ends.size += 1;
  }

  #unlink(row: number): void {
    const ends = this.#lists[this.listOf(row)];
    if (ends === undefined) return;
    const before = this.#own(row, PREVIOUS);
    const behind = this.#own(row, NEXT);
    if (before === 0) ends.first = behind;
    else this.#setOwn(before - 1, NEXT, behind);
    if (behind === 0) ends.last = before;
    else this.#setOwn(behind - 1, PREVIOUS, before);
    ends.size -= 1;
  }

  /** Nothing is left: the memory goes, but for what a quiet host needs. */
  #giveBack(): void {
    this.#pages.length = Math.min(1, this.#pages.length);
    this.#rows = 0;
    this.#free = [];
    this.#used = 0;
    if (this.#index.length > 64) this.#index = new Uint32Array(64);
    else this.#index.fill(0);
  }
}

const NO_DOUBLES: Float64Array = new Float64Array(0);
