import type { Duration } from './time.ts';

/** Settings of the IP layer and below. */
export interface IpSettings {
  /** Time to live of packets that name none: 64 [RFC 1122 3.2.1.7, IANA]. */
  readonly ttl: number;
  /** How long fragments wait for the rest: 60 s [RFC 1122 3.3.2]; Linux 30 s. */
  readonly reassemblyTimeout: Duration;
  /** Bytes that all incomplete packets together may hold [attacks.md A14]; Linux 4 MiB. */
  readonly reassemblyMemory: number;
  /** Incomplete packets per source address [attacks.md A14]. */
  readonly reassemblyPerSource: number;
  /** ICMP errors and RSTs for unknown ports that may leave per second, on average [RFC 1812 4.3.2.8; Linux icmp_msgs_per_sec]. */
  readonly icmpRate: number;
  /** How many of them may leave at once [Linux icmp_msgs_burst]. */
  readonly icmpBurst: number;
  /** Whether ICMP echo requests are answered [RFC 1122 3.2.2.6]. */
  readonly echo: boolean;
  /** Entries of the neighbour cache; beyond it the oldest goes [attacks.md B9]. */
  readonly neighbours: number;
  /** How long a neighbour's address is believed [RFC 1122 2.3.2.1]. */
  readonly neighbourTimeout: Duration;
  /** Time between ARP requests for one neighbour: at most one a second [RFC 1122 2.3.2.1]. */
  readonly arpInterval: Duration;
  /** ARP requests before the neighbour counts as unreachable. */
  readonly arpRetries: number;
  /** Packets that wait for one neighbour: at least one, the latest kept [RFC 1122 2.3.2.2]; a large packet in fragments is many. Linux unres_qlen 101. */
  readonly neighbourQueue: number;
  /** IPv6 extension headers walked in one packet; one with more is dropped [attacks.md B11; RFC 8504 5.3]. */
  readonly extensionHeaders: number;
  /** Destinations whose path MTU is remembered; beyond it the oldest goes [attacks.md section 3]. */
  readonly pathMtus: number;
  /** How long a path MTU below the link's is believed: 10 minutes [RFC 1191 6.3; RFC 8201 4]. */
  readonly pathMtuTimeout: Duration;
  /** Smallest path MTU believed over IPv4: at least 68 [RFC 1191 3]; Linux min_pmtu 552 [attacks.md B1]. */
  readonly minPathMtu: number;
  /** Smallest path MTU believed over IPv6, and never less than 1280 [RFC 8201 4]. */
  readonly minPathMtu6: number;
  /** Neighbour solicitations that ask whether an IPv6 address is taken before it is used; 0: none [RFC 4862 5.1]. */
  readonly dupAddrDetectTransmits: number;
  /** Longest random wait before the first of them [RFC 4862 5.4.2: MAX_RTR_SOLICITATION_DELAY]. */
  readonly dadDelay: Duration;
  /** How long an IPv6 neighbour counts as reachable, on average; 0.5 to 1.5 of it is drawn [RFC 4861 10: REACHABLE_TIME]. */
  readonly reachableTime: Duration;
  /** Time between neighbour solicitations [RFC 4861 10: RETRANS_TIMER]. */
  readonly retransTimer: Duration;
  /** How long a stale neighbour has for a hint from above until it is probed [RFC 4861 10: DELAY_FIRST_PROBE_TIME]. */
  readonly delayFirstProbe: Duration;
  /** Solicitations to the group of an address before it counts as unreachable [RFC 4861 10: MAX_MULTICAST_SOLICIT]. */
  readonly maxMulticastSolicit: number;
  /** Probes to a neighbour that is known before it is forgotten [RFC 4861 10: MAX_UNICAST_SOLICIT]. */
  readonly maxUnicastSolicit: number;
}
