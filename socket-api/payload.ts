/** What `write` and `end` are given, as bytes with bounds (rows 20-27). */

import { encodeText, encodeUtf8 } from './encodings.ts';
import { invalidArgument, outOfRange } from './errors.ts';

/** Bytes `from`..`to` of `bytes`. */
export interface Payload {
  readonly bytes: Uint8Array;
  readonly from: number;
  readonly to: number;
}

/** A Blob, as far as we need it: its bytes come later. */
export interface LazyPayload {
  readonly size: number;
  slice(from: number, to: number): LazyPayload;
  arrayBuffer(): Promise<ArrayBuffer>;
}

const NOTHING: Payload = { bytes: new Uint8Array(0), from: 0, to: 0 };

/**
 * Resolves the arguments of a write. Offset and length count bytes, also for strings: of their UTF-8 form (row 25). A string as
 * second argument names an encoding (row 27). Throws RangeError (row 26), TypeError (row 27).
 */
export function payloadOf(data: unknown, byteOffset: unknown, byteLength: unknown): Payload | LazyPayload {
  if (data === undefined) return NOTHING; // row 21
  const encoded = typeof data === 'string' && typeof byteOffset === 'string';
  const source = encoded ? withEncoding(data, byteOffset) : sourceOf(data);
  const size = source instanceof Uint8Array ? source.length : source.size;
  const from = bound('byteOffset', encoded ? undefined : byteOffset, size) ?? 0;
  const length = bound('byteLength', byteLength, size - from) ?? size - from;
  if (source instanceof Uint8Array) return { bytes: source, from, to: from + length };
  return length === size ? source : source.slice(from, from + length);
}

/** Whether the bytes have to be waited for. */
export function isLazy(payload: Payload | LazyPayload): payload is LazyPayload {
  return 'arrayBuffer' in payload;
}

function withEncoding(text: string, encoding: string): Uint8Array {
  const bytes = encodeText(text, encoding);
  if (bytes === undefined) throw invalidArgument(`Unknown encoding: ${encoding}`);
  return bytes;
}

function sourceOf(data: unknown): Uint8Array | LazyPayload {
  if (typeof data === 'string') return encodeUtf8(data);
  if (data instanceof Uint8Array) return data;
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  if (isBuffer(data)) return new Uint8Array(data);
  if (isBlob(data)) return data;
  const received = data === null ? 'null' : Array.isArray(data) ? 'an array' : `type ${typeof data}`;
  throw invalidArgument(
    `The "data" argument must be of type string, ArrayBuffer, TypedArray, DataView or Blob. Received ${received}`,
  );
}

function isBuffer(data: unknown): data is ArrayBufferLike {
  if (data instanceof ArrayBuffer) return true;
  // Browsers have SharedArrayBuffer only on isolated pages.
  return typeof SharedArrayBuffer !== 'undefined' && data instanceof SharedArrayBuffer;
}

function isBlob(data: unknown): data is LazyPayload {
  if (typeof data !== 'object' || data === null) return false;
  return 'arrayBuffer' in data && typeof data.arrayBuffer === 'function' && 'size' in data && 'slice' in data;
}

function bound(name: string, given: unknown, limit: number): number | undefined {
  if (given === undefined) return undefined;
  if (typeof given !== 'number') throw invalidArgument(`The "${name}" argument must be of type number`);
  if (!(Number.isInteger(given) && given >= 0 && given <= limit)) throw outOfRange(name, 0, limit, given);
  return given;
}
