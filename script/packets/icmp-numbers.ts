/** Types and codes of ICMP [RFC 792; IANA] and ICMPv6 [RFC 4443; IANA] by the names that scripts have for them. */

import type { IcmpBody } from '../language/syntax.ts';

/** A type, and the names of its codes. */
interface IcmpType {
  readonly number: number;
  readonly codes?: Readonly<Record<string, number>>;
}

type IcmpTypes = Readonly<Record<string, IcmpType>>;

const ICMP4: IcmpTypes = {
  echo_reply: { number: 0 },
  unreachable: {
    number: 3,
    codes: {
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
    },
  },
  source_quench: { number: 4 },
  redirect: { number: 5, codes: { net: 0, host: 1 } },
  echo_request: { number: 8 },
  time_exceeded: { number: 11, codes: { ttl_exceeded_in_transit: 0, frag_reass_exceeded: 1 } },
  parameter_problem: { number: 12 },
  timestamp_request: { number: 13 },
  timestamp_reply: { number: 14 },
  information_request: { number: 15 },
  information_reply: { number: 16 },
  address_mask_request: { number: 17 },
  address_mask_reply: { number: 18 },
};

const ICMP6: IcmpTypes = {
  unreachable: {
    number: 1,
    codes: {
      no_route: 0,
      admin_prohibited: 1,
      not_neighbour: 2,
      beyond_scope: 2,
      address_unreachable: 3,
      port_unreachable: 4,
      policy_failed: 5,
      reject_route: 6,
    },
  },
  packet_too_big: { number: 2 },
  time_exceeded: { number: 3, codes: { exceeded_hop_limit: 0, exceeded_frag_time: 1 } },
  parameter_problem: {
    number: 4,
    codes: { header_field: 0, unknown_next_header: 1, unknown_option: 2 },
  },
  echo_request: { number: 128 },
  echo_reply: { number: 129 },
};

const TABLES: readonly IcmpTypes[] = [ICMP4, ICMP6];

/** The names of all types, of both versions. */
export const ICMP_TYPE_NAMES: readonly string[] = [...new Set(TABLES.flatMap((table) => Object.keys(table)))];

/** The names of the codes of a type, of both versions. */
export function icmpCodeNames(typeName: string): string[] {
  return TABLES.flatMap((table) => Object.keys(table[typeName]?.codes ?? {}));
}

/** Type and code as numbers; undefined: the version has no such thing. */
export function icmpNumbers(
  { typeName, codeName }: Pick<IcmpBody, 'typeName' | 'codeName'>,
  version: 4 | 6,
): { readonly type: number; readonly code: number } | undefined {
  const found = (version === 6 ? ICMP6 : ICMP4)[typeName];
  const type = found?.number ?? numbered('type_', typeName);
  const code = codeName === undefined ? 0 : (found?.codes?.[codeName] ?? numbered('code_', codeName));
  return type === undefined || code === undefined ? undefined : { type, code };
}

function numbered(prefix: string, name: string): number | undefined {
  const digits = name.startsWith(prefix) ? name.slice(prefix.length) : '';
  return /^\d+$/.test(digits) && Number(digits) <= 0xff ? Number(digits) : undefined;
}
