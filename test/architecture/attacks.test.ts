import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { DOCUMENT, ROWS, document, keptFigures, testsByRow } from '../../attacks/document.ts';

/** Rows whose defence has yet to come. */
const WAITING: string[] = [];

it('docs/attacks.md is what the tests and the kept figures say', () => {
  expect(readFileSync(DOCUMENT, 'utf8')).toBe(document(keptFigures()));
});

it('each row of the attacks has a test, and each test a row', () => {
  const rows = [...testsByRow().keys()];
  expect(rows.filter((row) => ROWS[row] === undefined)).toEqual([]);
  expect(Object.keys(ROWS).filter((row) => !rows.includes(row))).toEqual(WAITING);
});
