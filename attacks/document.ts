import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { testTitles } from '../conformance/titles.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** Where the figures of the last run of `npm run attacks` are kept. */
export const FIGURES: string = join(ROOT, 'attacks/figures.json');
/** The generated table. */
export const DOCUMENT: string = join(ROOT, 'docs/attacks.md');
/** Folders whose tests may be attacks. */
const FOLDERS = ['test/attacks', 'test/architecture', 'test/interop', 'test/stack'];

/** A figure of a row, as last measured. */
export interface Figure {
  readonly row: string;
  readonly name: string;
  readonly value: string;
}

/** The rows there are, and what each is about. */
export const ROWS: { readonly [row: string]: string } = {
  A1: 'Blind RST [RFC 5961 3]',
  A2: 'Blind SYN [RFC 5961 4]',
  A3: 'Blind data [RFC 5961 5]',
  A4: 'Side channel of challenge ACKs [CVE-2016-5696]',
  A5: 'Prediction of ISNs [RFC 6528]',
  A6: 'Prediction of ports [RFC 6056]',
  A7: 'SYN flood [RFC 4987]',
  A8: 'LAND',
  A9: 'Malformed TCP options [RFC 9293 MUST-7]',
  A10: 'Urgent pointers [RFC 9293 3.8.5]',
  A11: 'Malformed lengths',
  A12: 'SACK panic and slowness [CVE-2019-11477, -11478, -11479]',
  A13: 'SegmentSmack [CVE-2018-5390]',
  A14: 'FragmentSmack [CVE-2018-5391]',
  A15: 'Teardrop, overlapping fragments [RFC 5722]',
  A16: 'Zero window for ever',
  A17: 'Never closed: FIN-WAIT-2, CLOSE-WAIT, TIME-WAIT',
  A18: 'PAWS [RFC 7323 5]',
  A19: 'TIME-WAIT assassination [RFC 1337]',
  A20: 'Optimistic ACK, ACK division, forged duplicates [RFC 3465]',
  J1: 'Work per packet',
  J2: 'Hash flooding',
  J3: 'Property names from packets',
  J4: 'Regular expressions on packets',
  J5: 'Retention of buffers',
  B1: 'Blind ICMP [RFC 5927]',
  B2: 'ACK storm',
  B5: 'Spoofed and martian addresses',
  B6: 'Amplification, reflection',
  B7: 'Predictable identification [RFC 6864]',
  B8: 'Timestamps tell the uptime [RFC 7323 5.4]',
  B9: 'ARP and neighbour discovery: spoofing, floods of the cache',
  B10: 'DHCP and domain names: malformed answers',
  B11: 'IPv6 extension headers: long and odd chains',
  C1: 'Fast Open: guessed cookies, exhaustion, amplification [RFC 7413 5]',
  C2: 'Windows drawn back [RFC 9293 MUST-34]',
};

const HEAD = `# Attacks

Written by \`npm run attacks\` from the tests, whose titles begin with the row; \`npm test\` checks that rows and tests are those that there are. A row passes if its
tests pass, and a test holds the attack and the control: an honest connection that works meanwhile. Figures are as last measured;
times are of a shared machine with two cores and include the attacker's side. Settings: \`stack/hardening-settings.ts\`; counters: \`stack/counters.ts\`.
`;

/** Titles of the tests that begin with a row, by row. */
export function testsByRow(): Map<string, { readonly title: string; readonly file: string }[]> {
  const found = new Map<string, { title: string; file: string }[]>();
  for (const folder of FOLDERS) {
    const names = readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' });
    for (const name of names.toSorted()) {
      if (!name.endsWith('.test.ts')) continue;
      const file = `${folder}/${name}`;
      for (const full of testTitles(readFileSync(join(ROOT, file), 'utf8'))) {
        const title = full.split(' › ').at(-1) ?? full;
        const row = /^([ABCJ]\d+) /.exec(title)?.[1];
        if (row === undefined) continue;
        const present = found.get(row);
        if (present === undefined) found.set(row, [{ title, file }]);
        else present.push({ title, file });
      }
    }
  }
  return found;
}

/** The figures that are kept. */
export function keptFigures(): readonly Figure[] {
  return existsSync(FIGURES) ? (JSON.parse(readFileSync(FIGURES, 'utf8')) as Figure[]) : [];
}

/** The document as it has to be. */
export function document(figures: readonly Figure[]): string {
  const tests = testsByRow();
  const lines = [HEAD, '| Row | Attack | Tests | Figures |', '|---|---|---|---|'];
  for (const [row, about] of Object.entries(ROWS)) {
    const files = [...new Set((tests.get(row) ?? []).map(({ file }) => file))];
    const own = figures.filter((figure) => figure.row === row);
    const told = own.map(({ name, value }) => `${cell(name)}: **${cell(value)}**`).join('<br>');
    const count = tests.get(row)?.length ?? 0;
    const where = files.map((file) => `[${file.split('/').at(-1)}](../${file})`).join(', ');
    lines.push(`| ${row} | ${cell(about)} | ${count === 0 ? '–' : `${count}: ${where}`} | ${told} |`);
  }
  lines.push('', '## Tests', '');
  for (const row of Object.keys(ROWS)) {
    for (const { title } of tests.get(row) ?? []) lines.push(`- ${title}`);
  }
  return `${lines.join('\n')}\n`;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}
