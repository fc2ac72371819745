import type { Instant } from '../time.ts';
import { type SeqNumber, add, distance, geq, gt, leq, lt } from './sequence.ts';
import { SequencePages } from './sequence-pages.ts';
import { Transmission } from './transmission.ts';

/** Who is told what becomes of each transmission. */
export interface ScoreboardObserver {
  /** It leaves, for the first time or again. */
  transmitted(transmission: Transmission): void;
  /** `bytes` of it were acknowledged or SACKed, for the first time. */
  delivered(transmission: Transmission, bytes: number): void;
  /** It counts as lost from now on. */
  lost(transmission: Transmission): void;
}

/**
 * What is out, and what became of it: one record for each transmission that is not acknowledged [RFC 6675 3; RFC 8985 6]. Every step
 * costs O(log n) in records at most, amortised: a record is sacked once, lost once per transmission, and neighbours that were sacked
 * are merged (attacks.md A12).
 */
export class Scoreboard {
  observer: ScoreboardObserver | undefined;
  /** Bytes (and a FIN) that SACK options reported. */
  sackedBytes: number = 0;
  /** The same in segments of the wire. */
  sackedSegments: number = 0;
  /** Bytes (and a FIN) that count as lost and have not left again. */
  lostBytes: number = 0;
  /** Of them those whose loss says nothing about congestion. */
  forgivenBytes: number = 0;
  /** Bytes (and a FIN) that left again and are in flight. */
  againBytes: number = 0;
  /** The end of the highest range that was reported; undefined: none since SND.UNA last passed it. */
  highestSacked: SeqNumber | undefined;
  readonly #records: SequencePages<Transmission> = new SequencePages();
  /** Undefined until something is lost. */
  #lost: SequencePages<Transmission> | undefined;
  /** Those that were sacked: no two of them follow each other, so each is a run; undefined until one was. */
  #sackedRuns: SequencePages<Transmission> | undefined;
  #oldest: Transmission | undefined;
  #newest: Transmission | undefined;
  #order: number = 0;
  #walked: number = 0;

  /** Records kept. */
  get length(): number {
    return this.#records.length;
  }

  /** Records touched so far, for tests that count steps. */
  get steps(): number {
    const others = (this.#lost?.steps ?? 0) + (this.#sackedRuns?.steps ?? 0);
    return this.#records.steps + others + this.#walked;
  }

  /** The record at SND.UNA; undefined if nothing is out. */
  get first(): Transmission | undefined {
    return this.#records.first;
  }

  /** The record with the highest sequence numbers. */
  get last(): Transmission | undefined {
    return this.#records.last;
  }

  /** Of those in flight, the one that left first: neither sacked nor lost. Follow `newer`. */
  get oldest(): Transmission | undefined {
    return this.#oldest;
  }

  /** Of those that count as lost, the one with the lowest sequence numbers. */
  get firstLost(): Transmission | undefined {
    return this.#lost?.first;
  }

  /** The last run of SACKed bytes that begins below `before`; without `before` the last of all. */
  sackedRun(before?: SeqNumber): Transmission | undefined {
    return before === undefined ? this.#sackedRuns?.last : this.#sackedRuns?.find(add(before, -1));
  }

  /** The record that holds `at`. */
  find(at: SeqNumber): Transmission | undefined {
    const found = this.#records.find(at);
    return found !== undefined && lt(at, found.end) ? found : undefined;
  }

  /** Up to where nothing from `start` on was sacked; looks no further than `most` bytes. */
  endOfHole(start: SeqNumber, most: number): SeqNumber {
    let end = start;
    for (let record = this.find(start); record?.isSacked === false; record = record.next) {
      end = record.end;
      if (distance(start, end) > most) break;
    }
    return end;
  }

  /** New data or a FIN leaves. */
  sent(
    start: SeqNumber,
    end: SeqNumber,
    segmentSize: number,
    fin: boolean,
    now: Instant,
    isMtuProbe: boolean = false,
  ): void {
    const record = new Transmission(start, end, isMtuProbe ? end - start : segmentSize, fin);
    record.isMtuProbe = isMtuProbe;
    record.isForgiven = isMtuProbe;
    const last = this.#records.last;
    record.previous = last;
    if (last !== undefined) last.next = record;
    this.#records.insert(record);
    this.#leaves(record, now);
  }

  /** `[start, end)` leaves again, in segments of `segmentSize`. */
  sentAgain(start: SeqNumber, end: SeqNumber, segmentSize: number, now: Instant): void {
    let record = this.find(start);
    if (record !== undefined && lt(record.start, start)) record = this.#cut(record, start);
    while (record !== undefined && lt(record.start, end)) {
      if (gt(record.end, end)) this.#cut(record, end);
      if (!record.isSacked) {
        this.#landed(record);
        record.retransmissions += 1;
        record.isForgiven = false;
        record.isMtuProbe = false;
        this.againBytes += record.length;
        record.segmentSize = Math.max(1, segmentSize);
        this.#leaves(record, now);
      }
      record = record.next;
    }
  }

  /** The peer has `[left, right)`, which lies within what is out; returns how many bytes of it are news. */
  sack(left: SeqNumber, right: SeqNumber): number {
    let news = 0;
    let record = this.#records.find(left) ?? this.#records.first;
    while (record !== undefined && lt(record.start, right)) {
      this.#walked += 1;
      let next = record.next;
      if (!record.isSacked && gt(record.end, left)) {
        const part = this.#within(record, left, right);
        if (part !== undefined) {
          next = part.next;
          news += part.length;
          this.#sacked(part);
        }
      }
      record = next;
    }
    return news;
  }

  /** SND.UNA is `ack` from now on: what lies before it is forgotten. */
  acknowledge(ack: SeqNumber): void {
    for (;;) {
      const first = this.#records.first;
      if (first === undefined || geq(first.start, ack)) break;
      const rest = gt(first.end, ack) ? this.#cut(first, ack) : first.next;
      if (first.isSacked) this.#unsack(first);
      else {
        this.observer?.delivered(first, first.length);
        this.#landed(first);
      }
      this.#records.shift();
      if (rest !== undefined) rest.previous = undefined;
    }
    if (this.highestSacked !== undefined && leq(this.highestSacked, ack)) this.highestSacked = undefined;
  }

  /** `record` counts as lost; nothing happens if it does already, or was sacked. */
  markLost(record: Transmission): void {
    if (record.isLost || record.isSacked) return;
    this.#walked += 1;
    this.#landed(record);
    record.isLost = true;
    this.lostBytes += record.length;
    if (record.isForgiven) this.forgivenBytes += record.length;
    this.#lost ??= new SequencePages();
    this.#lost.insert(record);
    this.observer?.lost(record);
  }

  /** Everything that was not sacked counts as lost: the retransmission timer went off. */
  markAllLost(): void {
    for (let record = this.#oldest; record !== undefined; record = this.#oldest) this.markLost(record);
  }

  /** Nothing is lost after all [RFC 5682 2.1, RFC 4015]: what counted as such is still in flight. */
  noneLost(): void {
    const flying: Transmission[] = [];
    for (let record = this.#oldest; record !== undefined; record = record.newer) flying.push(record);
    this.#walked += flying.length + (this.#lost?.length ?? 0);
    for (let record = this.#lost?.first; record !== undefined; record = this.#lost?.first) {
      this.#unmark(record);
      if (record.retransmissions > 0) this.againBytes += record.length;
      flying.push(record);
    }
    this.#oldest = undefined;
    this.#newest = undefined;
    flying.sort((a, b) => a.order - b.order); // the list stays in order of time
    for (const record of flying) this.#linkTime(record);
  }

  /** The peer has thrown away what it had reported [RFC 2018 8]: all of it counts as lost. */
  forgetSacks(): void {
    for (let record = this.#records.first; record !== undefined; record = record.next) {
      this.#walked += 1;
      if (!record.isSacked) continue;
      this.#unsack(record);
      if (record.retransmissions > 0) this.againBytes += record.length;
      this.#linkTime(record);
    }
    this.highestSacked = undefined;
    this.markAllLost();
  }

  clear(): void {
    this.#records.clear();
    this.#lost?.clear();
    this.#sackedRuns?.clear();
    this.#oldest = undefined;
    this.#newest = undefined;
    this.sackedBytes = 0;
    this.sackedSegments = 0;
    this.lostBytes = 0;
    this.forgivenBytes = 0;
    this.againBytes = 0;
    this.highestSacked = undefined;
  }

  #leaves(record: Transmission, now: Instant): void {
    this.#order += 1;
    record.order = this.#order;
    record.sentAt = now;
    this.#linkTime(record);
    this.observer?.transmitted(record);
  }

  /** The part of `record` that is made of whole segments within `[left, right)`, as a record of its own. */
  #within(record: Transmission, left: SeqNumber, right: SeqNumber): Transmission | undefined {
    const from = lt(record.start, left) ? record.boundaryAfter(left) : record.start;
    const to = gt(record.end, right) ? record.boundaryBefore(right) : record.end;
    if (geq(from, to)) return undefined;
    const part = from === record.start ? record : this.#cut(record, from);
    if (lt(to, part.end)) this.#cut(part, to);
    return part;
  }

  #sacked(record: Transmission): void {
    this.#landed(record);
    record.isSacked = true;
    this.sackedBytes += record.length;
    this.sackedSegments += record.segments;
    if (this.highestSacked === undefined || gt(record.end, this.highestSacked))
      this.highestSacked = record.end;
    this.observer?.delivered(record, record.length);
    const { previous, next } = record;
    if (next?.isSacked === true) {
      this.#sackedRuns?.remove(next);
      this.#merge(record, next);
    }
    if (previous?.isSacked === true) this.#merge(previous, record);
    else {
      this.#sackedRuns ??= new SequencePages();
      this.#sackedRuns.insert(record);
    }
  }

  /** `second`, sacked like `first` before it, becomes part of it. */
  #merge(first: Transmission, second: Transmission): void {
    const segments = first.segments + second.segments;
    this.#records.remove(second);
    first.end = second.end;
    first.fin = second.fin;
    first.next = second.next;
    if (second.next !== undefined) second.next.previous = first;
    this.sackedSegments += first.segments - segments;
  }

  /** It is in flight no more, or lost no more. */
  #landed(record: Transmission): void {
    if (record.isLost) return this.#unmark(record);
    this.#unlinkTime(record);
    if (record.retransmissions > 0) this.againBytes -= record.length;
  }

  #unsack(record: Transmission): void {
    record.isSacked = false;
    this.#sackedRuns?.remove(record);
    this.sackedBytes -= record.length;
    this.sackedSegments = this.sackedBytes === 0 ? 0 : Math.max(0, this.sackedSegments - record.segments);
  }

  #unmark(record: Transmission): void {
    record.isLost = false;
    this.lostBytes -= record.length;
    if (record.isForgiven) this.forgivenBytes -= record.length;
    this.#lost?.remove(record);
  }

  /** Cuts `record` at `at`; returns the later part. */
  #cut(record: Transmission, at: SeqNumber): Transmission {
    const segments = record.segments;
    const rest = record.cutOff(at);
    rest.next = record.next;
    rest.previous = record;
    if (rest.next !== undefined) rest.next.previous = rest;
    record.next = rest;
    this.#records.insert(rest);
    if (record.isLost) this.#lost?.insert(rest);
    else if (record.isSacked) {
      this.sackedSegments += record.segments + rest.segments - segments;
      this.#sackedRuns?.insert(rest);
    } else this.#linkAfter(rest, record);
    return rest;
  }

  /** To the end of the list in order of time. */
  #linkTime(record: Transmission): void {
    this.#linkAfter(record, this.#newest);
  }

  #linkAfter(record: Transmission, older: Transmission | undefined): void {
    record.older = older;
    record.newer = older === undefined ? this.#oldest : older.newer;
    if (record.newer === undefined) this.#newest = record;
    else record.newer.older = record;
    if (older === undefined) this.#oldest = record;
    else older.newer = record;
  }

  #unlinkTime(record: Transmission): void {
    const { older, newer } = record;
    if (older === undefined && newer === undefined && this.#oldest !== record) return; // sacked or lost: not in the list
    if (older === undefined) this.#oldest = newer;
    else older.newer = newer;
    if (newer === undefined) this.#newest = older;
    else newer.older = older;
    record.older = undefined;
    record.newer = undefined;
  }
}
