/** Questions and answers of the DNS, RFC 1035 4, by way of `dns-packet`. What an answer says is a value, never a key of an object. */

import * as packet from 'dns-packet';
import { type IpAddress, parseAddress } from '../../../stack/wire/address.ts';
import { isDomainName } from '../../../stack/wire/domain-name.ts';

/** Where DNS servers listen. */
export const DNS_PORT = 53;

/** The kinds of addresses that are looked up. */
export type AddressType = 'A' | 'AAAA';

/** What is asked. */
export interface Question {
  /** 0..65535 */
  readonly id: number;
  /** As it is written into the question: an answer has to repeat it, letter for letter. */
  readonly name: string;
  readonly type: AddressType;
}

/** What an answer says, as far as an address lookup wants to know. */
export interface Answer {
  /** `NOERROR`, `NXDOMAIN`, `SERVFAIL` … */
  readonly code: string;
  /** More than fits into a datagram. */
  readonly truncated: boolean;
  /** In the order of the answer; names in lower case. */
  readonly records: readonly AddressRecord[];
  /** How long "there is none" may be believed, in seconds [RFC 2308 5]; undefined: not said. */
  readonly negativeTtl: number | undefined;
}

/** One line of an answer. */
export type AddressRecord =
  | { readonly name: string; readonly ttl: number; readonly address: IpAddress }
  | { readonly name: string; readonly ttl: number; readonly alias: string };

/** Records of one answer that are looked at. */
const MOST = 256;

/** The bytes of a question. The name has to be one (`isDomainName`). */
export function encodeQuestion({ id, name, type }: Question): Uint8Array {
  return packet.encode({
    type: 'query',
    id,
    flags: packet.RECURSION_DESIRED,
    questions: [{ type, name }],
  });
}

/** What `bytes` answer to `question`; undefined if it is no answer to it, or malformed. Never throws. */
export function decodeAnswer(bytes: Uint8Array, question: Question): Answer | undefined {
  const decoded = decode(bytes);
  if (decoded === undefined || decoded.type !== 'response' || decoded.id !== question.id) return undefined;
  const [asked] = decoded.questions ?? [];
  if (decoded.questions?.length !== 1 || asked?.name !== question.name || asked.type !== question.type) {
    return undefined;
  }
  const records = (decoded.answers ?? []).slice(0, MOST).flatMap((each) => recordOf(each, question.type));
  return {
    code: 'rcode' in decoded && typeof decoded.rcode === 'string' ? decoded.rcode : 'NOERROR',
    truncated: ((decoded.flags ?? 0) & packet.TRUNCATED_RESPONSE) !== 0,
    records,
    negativeTtl: negativeTtl(decoded.authorities ?? []),
  };
}

/** Malformed names, pointers in circles and lengths beyond the end make the decoder throw. */
function decode(bytes: Uint8Array): packet.DecodedPacket | undefined {
  try {
    return packet.decode(Buffer.from(bytes));
  } catch {
    return undefined;
  }
}

function recordOf(record: packet.Answer, type: AddressType): readonly AddressRecord[] {
  if (!('ttl' in record) || !('class' in record) || record.class !== 'IN') return [];
  const { name } = record;
  // RFC 2181 8: a TTL with the highest bit is none.
  const ttl = record.ttl === undefined || record.ttl > 0x7fff_ffff ? 0 : record.ttl;
  if (record.type === 'CNAME' && typeof record.data === 'string') {
    return isDomainName(record.data)
      ? [{ name: name.toLowerCase(), ttl, alias: record.data.toLowerCase() }]
      : [];
  }
  if (record.type !== type || typeof record.data !== 'string') return [];
  const address = parseAddress(record.data);
  return address === undefined ? [] : [{ name: name.toLowerCase(), ttl, address }];
}

function negativeTtl(authorities: readonly packet.Answer[]): number | undefined {
  for (const each of authorities) {
    if (each.type !== 'SOA' || each.ttl === undefined) continue;
    return Math.min(each.ttl, each.data.minimum ?? each.ttl);
  }
  return undefined;
}
