import * as packet from 'dns-packet';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeAnswer, encodeQuestion, type Question } from '../../../../socket-api/node/dns/dns-message.ts';
import { a } from './dns-world.ts';

const question: Question = { id: 7, name: 'www.example', type: 'A' };

const good: Uint8Array = packet.encode({
  type: 'response',
  id: 7,
  questions: [{ type: 'A', name: 'www.example' }],
  answers: [a('www.example', '192.0.2.1')],
});

describe('DNS messages', () => {
  it('are questions with the recursion bit [RFC 1035 4.1.1]', () => {
    expect(Buffer.from(encodeQuestion(question)).toString('hex')).toBe(
      '00070100000100000000000003777777076578616d706c650000010001',
    );
  });

  it('are answers only to the question that was asked', () => {
    expect(decodeAnswer(good, question)).toMatchObject({ code: 'NOERROR', truncated: false });
    for (const other of [
      { id: 8 },
      { name: 'wwx.example' },
      { name: 'WWW.example' },
      { type: 'AAAA' as const },
    ]) {
      expect(decodeAnswer(good, { ...question, ...other })).toBeUndefined();
    }
    expect(decodeAnswer(encodeQuestion(question), question)).toBeUndefined();
  });

  it('do not lead in circles: a name that points to itself, to another, or ahead [attacks.md J3]', () => {
    const header = [0, 7, 0x80, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    const pointers: readonly (readonly number[])[] = [
      [0xc0, 12, 0, 1, 0, 1],
      [0xc0, 14, 0xc0, 12, 0, 1, 0, 1],
      [1, 97, 0xc0, 12, 0, 1, 0, 1],
      [0xc0, 200, 0, 1, 0, 1],
    ];
    for (const each of pointers)
      expect(decodeAnswer(Uint8Array.from([...header, ...each]), question)).toBeUndefined();
  });

  it('never throw, whatever their bytes are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
        decodeAnswer(bytes, question);
      }),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 6 }), (changes) => {
        const bytes = Uint8Array.from(good);
        for (const [at, value] of changes) bytes[at] = value;
        const answer = decodeAnswer(bytes, question);
        for (const record of answer?.records ?? []) expect(record.ttl).toBeGreaterThanOrEqual(0);
      }),
      { numRuns: 2_000 },
    );
  });
});
