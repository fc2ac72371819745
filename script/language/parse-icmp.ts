import { ICMP_TYPE_NAMES, icmpCodeNames, icmpNumbers } from '../packets/icmp-numbers.ts';
import type { Scanner } from './scanner.ts';
import type { IcmpBody, IcmpQuote } from './syntax.ts';

const SEQUENCE = /(\d+)\s*:\s*(\d+)\s*\(\s*(\d+)\s*\)/y;

/** `icmp unreachable frag_needed mtu 1400 [1:1001(1000)]` */
export function parseIcmp(scanner: Scanner): IcmpBody {
  scanner.skip();
  const start = scanner.at;
  const typeName = scanner.word('an ICMP type, such as unreachable');
  if (!isKnown(typeName, undefined))
    return scanner.fail(`'${typeName}' is no ICMP type: use ${ICMP_TYPE_NAMES.join(', ')} or type_N`, start);
  const codeName = parseCodeName(scanner);
  if (!isKnown(typeName, codeName))
    scanner.fail(
      `'${codeName}' is no code of ICMP ${typeName}: use ${[...icmpCodeNames(typeName), 'code_N'].join(', ')}`,
    );
  const mtu = scanner.acceptWord('mtu') ? scanner.number('the MTU', 0xffff) : undefined;
  const id = scanner.acceptWord('id') ? scanner.number('the identifier', 0xffff) : undefined;
  if (mtu !== undefined && codeName !== 'frag_needed' && typeName !== 'packet_too_big')
    scanner.fail('mtu belongs to unreachable frag_needed (and to packet_too_big)', start);
  return { kind: 'icmp', typeName, codeName, mtu, id, quote: parseQuote(scanner) };
}

function parseCodeName(scanner: Scanner): string | undefined {
  if (!scanner.seesPattern(/[a-z]/y) || scanner.seesPattern(/(mtu|id)\b/y)) return undefined;
  return scanner.word('an ICMP code');
}

/** Of one version or the other: which it has to be is known when the script runs. */
function isKnown(typeName: string, codeName: string | undefined): boolean {
  const names = { typeName, codeName };
  return icmpNumbers(names, 4) !== undefined || icmpNumbers(names, 6) !== undefined;
}

function parseQuote(scanner: Scanner): IcmpQuote {
  if (!scanner.accept('[')) return { kind: 'tcp', start: 0, length: 0 };
  const kind = scanner.acceptWord('udp') ? 'udp' : scanner.acceptWord('raw') ? 'raw' : 'tcp';
  let quote: IcmpQuote;
  if (kind === 'tcp') {
    const match = scanner.take(SEQUENCE, 'the quoted segment as start:end(length)');
    quote = { kind, start: Number(match[1]), length: Number(match[3]) };
  } else {
    scanner.expect('(', 'in front of the quoted length');
    quote = { kind, length: scanner.number('the quoted length', 0xffff) };
    scanner.expect(')', 'behind the quoted length');
  }
  scanner.expect(']', 'behind the quoted packet');
  return quote;
}
