import type { WorldEvent } from './world-event.ts';

const ENCODED: Float64Array = new Float64Array(1);
const ENCODED_WORDS: Uint32Array = new Uint32Array(ENCODED.buffer);

/**
 * A hash over every field of every event, in order: two runs with the same hash are the same run. 64 bits; no defence against
 * somebody who wants two runs to look alike.
 */
export class TraceHash {
  #a: number = 0x243f6a88;
  #b: number = 0x85a308d3;
  #events: number = 0;
  readonly #texts: Map<string, number> = new Map();

  /** How many events went in. */
  get events(): number {
    return this.#events;
  }

  /** Sixteen hexadecimal digits. */
  get value(): string {
    const hex = (word: number): string => (word >>> 0).toString(16).padStart(8, '0');
    return hex(finish(this.#a ^ this.#events)) + hex(finish(this.#b ^ this.#a));
  }

  update(event: WorldEvent): void {
    this.#events += 1;
    this.#number(event.at);
    this.#text(event.type);
    if (event.type === 'frame' || event.type === 'link-loss') {
      this.#text(event.type === 'frame' ? event.host : event.by);
      this.#text(event.type === 'frame' ? event.direction : event.reason);
      this.#bytes(event.bytes, event.head, event.tail);
      return;
    }
    this.#fields(event);
  }

  #fields(value: object): void {
    for (const [name, field] of Object.entries(value)) {
      this.#text(name);
      this.#value(field);
    }
  }

  #value(value: unknown): void {
    if (typeof value === 'number') this.#number(value);
    else if (typeof value === 'string') this.#text(value);
    else if (value === undefined || value === null) this.#word(0x9e3779b9);
    else if (typeof value === 'boolean') this.#word(value ? 1 : 2);
    else if (value instanceof Uint8Array) this.#bytes(value, 0, value.length);
    else if (typeof value === 'object') this.#fields(value);
    else throw new TypeError(`a trace event holds a ${typeof value}, which cannot be hashed`);
  }

  #text(text: string): void {
    let hash = this.#texts.get(text);
    if (hash === undefined) {
      hash = text.length;
      for (let index = 0; index < text.length; index++)
        hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
      // Few texts are ever used; a world that makes many must not keep them all.
      if (this.#texts.size < 4096) this.#texts.set(text, hash);
    }
    this.#word(hash);
  }

  #number(value: number): void {
    if ((value | 0) === value) return this.#word(value);
    ENCODED[0] = value;
    this.#word(ENCODED_WORDS[0] ?? 0);
    this.#word(ENCODED_WORDS[1] ?? 0);
  }

  #bytes(bytes: Uint8Array, from: number, to: number): void {
    this.#word(to - from);
    let at = from;
    for (; at + 4 <= to; at += 4) {
      const low = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
      this.#word(low | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24));
    }
    for (; at < to; at++) this.#word(bytes[at] ?? 0);
  }

  #word(word: number): void {
    this.#a = Math.imul(this.#a ^ word, 0x9e3779b1);
    this.#a ^= this.#a >>> 15;
    this.#b = (Math.imul(this.#b, 0x85ebca6b) + (this.#a ^ word)) | 0;
  }
}

function finish(word: number): number {
  let mixed = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
