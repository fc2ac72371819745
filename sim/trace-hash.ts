import type { SegmentEvent } from '../stack/trace.ts';
import type { WorldEvent } from './world-event.ts';

/**
 * A hash over every field of every event, in order: two runs with the same hash are the same run. 64 bits; no defence against
 * somebody who wants two runs to look alike.
 */
export class TraceHash {
  #a: number = 0x243f6a88;
  #b: number = 0x85a308d3;
  #events: number = 0;
  readonly #texts: Map<string, number> = new Map();
  readonly #scratch: DataView = new DataView(new ArrayBuffer(8));
  #viewed: Uint8Array | undefined;
  #view: DataView = new DataView(new ArrayBuffer(0));

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
    switch (event.type) {
      case 'frame':
        this.#text(event.host);
        this.#text(event.direction);
        return this.#bytes(event.bytes, event.head, event.tail);
      case 'link-loss':
        this.#text(event.by);
        this.#text(event.reason);
        return this.#bytes(event.bytes, event.head, event.tail);
      case 'segment':
        return this.#segment(event);
      case 'call':
        this.#fields({ ...event, data: undefined });
        if (event.data !== undefined)
          this.#bytes(event.data, 0, Math.min(event.data.length, event.count ?? Infinity));
        return;
      default:
        return this.#fields(event);
    }
  }

  /** Its frame follows, with all that is in the header. */
  #segment(event: SegmentEvent): void {
    const { header } = event;
    this.#text(event.host);
    this.#text(event.direction);
    this.#word(event.connection);
    this.#word(header.seq);
    this.#word(header.ack ?? -1);
    this.#word(header.window);
    this.#word(event.length);
    if (event.cause !== undefined) this.#text(event.cause);
    if (event.reset !== undefined) this.#text(event.reset);
  }

  #fields(value: object): void {
    for (const [name, field] of Object.entries(value)) {
      this.#text(name);
      if (typeof field === 'number' && (field | 0) === field) this.#word(field);
      else this.#value(field);
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
    this.#scratch.setFloat64(0, value);
    this.#word(this.#scratch.getInt32(0));
    this.#word(this.#scratch.getInt32(4));
  }

  #bytes(bytes: Uint8Array, from: number, to: number): void {
    if (bytes !== this.#viewed) {
      this.#viewed = bytes;
      this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    }
    const view = this.#view;
    let a = this.#a ^ (to - from);
    let b = this.#b;
    let at = from;
    for (; at + 4 <= to; at += 4) {
      a = Math.imul(a ^ view.getInt32(at, true), 0x9e3779b1);
      a ^= a >>> 15;
      b = (Math.imul(b, 0x85ebca6b) + a) | 0;
    }
    for (; at < to; at++) a = Math.imul(a ^ view.getUint8(at), 0x9e3779b1);
    this.#a = a;
    this.#b = b;
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
