import type { Scanner } from './scanner.ts';
import type { IcmpBody, IcmpQuote } from './syntax.ts';

/** ICMP for IPv4 [RFC 792; IANA]. */
const TYPES: Readonly<Record<string, number>> = {
  echo_reply: 0,
  unreachable: 3,
  source_quench: 4,
  redirect: 5,
  echo_request: 8,
  time_exceeded: 11,
  parameter_problem: 12,
  timestamp_request: 13,
  timestamp_reply: 14,
  information_request: 15,
  information_reply: 16,
  address_mask_request: 17,
  address_mask_reply: 18,
  // Of IPv6: `script` says that it is not supported yet.
  packet_too_big: 2,
};

const CODES: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  unreachable: {
    net_unreachable: 0,
    host_unreachable: 1,
    protocol_unreachable: 2,
    port_unreachable: 3,
    frag_needed: 4,
    source_route_failed: 5,
    net_unknown: 6,
    host_unknown: 7,
    source_host_isolated: 8,
    net_prohibited: 9,
    host_prohibited: 10,
    net_unreachable_for_tos: 11,
    host_unreachable_for_tos: 12,
    packet_filtered: 13,
    precedence_violation: 14,
    precedence_cutoff: 15,
    no_route: 0,
    admin_prohibited: 1,
    not_neighbour: 2,
    address_unreachable: 3,
  },
  time_exceeded: {
    ttl_exceeded_in_transit: 0,
    exceeded_hop_limit: 0,
    frag_reass_exceeded: 1,
    exceeded_frag_time: 1,
  },
  redirect: { net: 0, host: 1 },
  parameter_problem: { header_field: 0, unknown_next_header: 1, unknown_option: 2 },
};

const SEQUENCE = /(\d+)\s*:\s*(\d+)\s*\(\s*(\d+)\s*\)/y;

/** `icmp unreachable frag_needed mtu 1400 [1:1001(1000)]` */
export function parseIcmp(scanner: Scanner): IcmpBody {
  scanner.skip();
  const start = scanner.at;
  const typeName = scanner.word('an ICMP type, such as unreachable');
  const type = numbered('type_', typeName) ?? TYPES[typeName];
  if (type === undefined)
    return scanner.fail(
      `'${typeName}' is no ICMP type: use ${Object.keys(TYPES).join(', ')} or type_N`,
      start,
    );
  const codeName = parseCodeName(scanner);
  const code = codeName === undefined ? 0 : codeNumber(scanner, typeName, codeName);
  const mtu = scanner.acceptWord('mtu') ? scanner.number('the MTU', 0xffff) : undefined;
  const id = scanner.acceptWord('id') ? scanner.number('the identifier', 0xffff) : undefined;
  if (mtu !== undefined && codeName !== 'frag_needed' && typeName !== 'packet_too_big')
    scanner.fail('mtu belongs to unreachable frag_needed (and to packet_too_big)', start);
  return { kind: 'icmp', type, code, typeName, codeName, mtu, id, quote: parseQuote(scanner) };
}

function parseCodeName(scanner: Scanner): string | undefined {
  if (!scanner.seesPattern(/[a-z]/y) || scanner.seesPattern(/(mtu|id)\b/y)) return undefined;
  return scanner.word('an ICMP code');
}

function codeNumber(scanner: Scanner, type: string, name: string): number {
  const code = numbered('code_', name) ?? CODES[type]?.[name];
  if (code !== undefined) return code;
  const known = Object.keys(CODES[type] ?? {});
  return scanner.fail(`'${name}' is no code of ICMP ${type}: use ${[...known, 'code_N'].join(', ')}`);
}

function numbered(prefix: string, name: string): number | undefined {
  const digits = name.startsWith(prefix) ? name.slice(prefix.length) : '';
  return /^\d+$/.test(digits) && Number(digits) <= 0xff ? Number(digits) : undefined;
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
