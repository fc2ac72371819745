import type { Scanner } from './scanner.ts';
import type { EcnWord, IpInfo } from './syntax.ts';

const ECN: ReadonlySet<string> = new Set(['ect0', 'ect1', 'ce', 'noecn', 'ect01']);
const ECN_NUMBERS: readonly EcnWord[] = ['noecn', 'ect1', 'ect0', 'ce'];

const NOTHING: IpInfo = {
  ecn: undefined,
  tos: undefined,
  dscp: undefined,
  ttl: undefined,
  flowLabel: undefined,
  wrong: [],
};

/** `(ect0)`, `[tos 0x10, ttl 64]`, `(dscp ef ecn ect0)`; ours: `(badsum)`, `(badipsum)`. */
export function parseIpInfo(scanner: Scanner): IpInfo {
  const close = scanner.accept('(') ? ')' : scanner.accept('[') ? ']' : undefined;
  if (close === undefined) return NOTHING;
  let info: IpInfo = NOTHING;
  while (!scanner.accept(close)) {
    info = { ...info, ...parseItem(scanner, info) };
    scanner.accept(',');
  }
  return info;
}

function parseItem(scanner: Scanner, before: IpInfo): Partial<IpInfo> {
  scanner.skip();
  const start = scanner.at;
  const word = scanner.word('an IP field, such as ect0, tos 0x10 or ttl 64');
  if (ECN.has(word)) return { ecn: word as EcnWord };
  switch (word) {
    case 'ecn':
      return { ecn: parseEcn(scanner) };
    case 'tos':
    case 'class':
      return { tos: scanner.number('the TOS byte', 0xff) };
    case 'dscp':
      return { dscp: parseDscp(scanner) };
    case 'ttl':
    case 'hlim':
      return { ttl: scanner.number('the time to live', 0xff) };
    case 'flowlabel':
      return { flowLabel: scanner.number('the flow label', 0xfffff) };
    case 'badsum':
      return { wrong: [...before.wrong, 'checksum'] };
    case 'badipsum':
      return { wrong: [...before.wrong, 'ip-checksum'] };
    default:
      return scanner.fail(
        `'${word}' is no IP field: use ect0, ect1, ce, noecn, ect01, tos, class, dscp, ecn, ttl, hlim, flowlabel, badsum or badipsum`,
        start,
      );
  }
}

function parseEcn(scanner: Scanner): EcnWord {
  if (scanner.seesPattern(/\d/y)) return ECN_NUMBERS[scanner.number('the ECN bits', 3)] ?? 'noecn';
  const word = scanner.word('the ECN bits');
  return ECN.has(word) ? (word as EcnWord) : scanner.fail(`'${word}' is no ECN codepoint`);
}

/** A number, or a name of RFC 2474, 2597 and 3246. */
function parseDscp(scanner: Scanner): number {
  if (scanner.seesPattern(/\d/y)) return scanner.number('the DSCP', 0x3f);
  const word = scanner.word('a DSCP').toLowerCase();
  const selector = /^cs([0-7])$/.exec(word);
  if (selector !== null) return Number(selector[1]) * 8;
  const forwarding = /^af([1-4])([1-3])$/.exec(word);
  if (forwarding !== null) return Number(forwarding[1]) * 8 + Number(forwarding[2]) * 2;
  if (word === 'ef') return 46;
  return scanner.fail(`'${word}' is no DSCP: use a number, cs0 to cs7, af11 to af43, or ef`);
}
