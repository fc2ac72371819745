import { describe, expect, it } from 'vitest';
import { encodeText } from '../../socket-api/encodings.ts';
import { payloadOf } from '../../socket-api/payload.ts';

describe('encodings are those of Buffer', () => {
  const texts = ['', 'hello', 'héllo wörld €', '6869', '68zz', 'abc', 'aGk=', 'aG-_', '_w'];
  const encodings = [
    'utf8',
    'UTF-8',
    'hex',
    'base64',
    'base64url',
    'latin1',
    'binary',
    'ascii',
    'utf16le',
    'ucs2',
  ];
  it.each(encodings)('%s', (encoding) => {
    for (const text of texts) {
      expect(encodeText(text, encoding)).toEqual(
        new Uint8Array(Buffer.from(text, encoding as BufferEncoding)),
      );
    }
  });

  it('an unknown name is none', () => {
    expect(encodeText('x', 'rot13')).toBeUndefined();
  });
});

describe('payloads', () => {
  it('bytes of a view count from its own beginning', () => {
    const view = new DataView(Uint8Array.of(1, 2, 3, 4, 5).buffer, 1, 3);
    expect(payloadOf(view, 1, undefined)).toMatchObject({ bytes: Uint8Array.of(2, 3, 4), from: 1, to: 3 });
  });

  it('an offset that is no whole number is out of range', () => {
    expect(() => payloadOf('abc', 1.5, undefined)).toThrow(RangeError);
    expect(() => payloadOf('abc', Number.NaN, undefined)).toThrow(RangeError);
    expect(() => payloadOf(new Uint8Array(3), '1', undefined)).toThrow(TypeError);
  });
});
