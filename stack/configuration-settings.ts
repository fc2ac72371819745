/** Numbers of DHCP, router discovery and address probes; part of `Settings`. */

import { type Duration, ms, seconds } from './time.ts';

/** Settings of how an interface configures itself. */
export interface ConfigurationSettings {
  /** Longest random wait before the first DHCPDISCOVER: 10 s, so that a lab that is switched on does not ask in chorus [RFC 2131 4.4.1]; Linux's clients wait not at all. */
  readonly dhcpStartDelay: Duration;
  /** Wait for an answer to the first DHCP message; doubled each time [RFC 2131 4.1: 4 s, plus or minus 1 s]. */
  readonly dhcpFirstTimeout: Duration;
  /** The longest such wait [RFC 2131 4.1: 64 s]. */
  readonly dhcpLongestTimeout: Duration;
  /** DHCPREQUESTs for one offer (or for an old address) before the client begins anew: 4 make 60 s [RFC 2131 3.1.5]. */
  readonly dhcpRequests: number;
  /** Wait after a DHCPDECLINE, at least 10 s [RFC 2131 3.1.5]; also before the client begins anew after DHCPNAKs in a row. */
  readonly dhcpDeclineWait: Duration;
  /** Shortest time between DHCPREQUESTs while a lease is renewed: 60 s [RFC 2131 4.4.5]. */
  readonly dhcpRenewInterval: Duration;
  /** Longest random wait before the first ARP probe: PROBE_WAIT, 1 s [RFC 5227 1.1]; systemd-networkd squeezes all of it into 200 ms. */
  readonly probeWait: Duration;
  /** ARP probes for a new address; 0: none is sent [RFC 5227 1.1: PROBE_NUM = 3]. */
  readonly probes: number;
  /** Shortest and longest time between probes [RFC 5227 1.1: PROBE_MIN = 1 s, PROBE_MAX = 2 s]. */
  readonly probeInterval: { readonly from: Duration; readonly to: Duration };
  /** Silence after the last probe until the address is taken [RFC 5227 1.1: ANNOUNCE_WAIT = 2 s]. */
  readonly announceWait: Duration;
  /** ARP announcements of a new address, and the time between them [RFC 5227 1.1: 2, 2 s]. */
  readonly announcements: number;
  readonly announceInterval: Duration;
  /** A second conflict within this time means that the address is lost [RFC 5227 1.1: DEFEND_INTERVAL = 10 s]. */
  readonly defendInterval: Duration;
  /** Longest random wait before the first router solicitation [RFC 4861 10: MAX_RTR_SOLICITATION_DELAY = 1 s]. */
  readonly routerSolicitationDelay: Duration;
  /** Time between router solicitations [RFC 4861 10: RTR_SOLICITATION_INTERVAL = 4 s]; then doubled [RFC 7559 2]. */
  readonly routerSolicitationInterval: Duration;
  /** The longest such time [RFC 7559 2: MRT = 3600 s]. */
  readonly routerSolicitationLongest: Duration;
  /** Default routers, prefixes, and DNS servers or search domains that are remembered of each: no advertisement fills the memory. */
  readonly routerEntries: number;
}

const standard: ConfigurationSettings = {
  dhcpStartDelay: seconds(10),
  dhcpFirstTimeout: seconds(4),
  dhcpLongestTimeout: seconds(64),
  dhcpRequests: 4,
  dhcpDeclineWait: seconds(10),
  dhcpRenewInterval: seconds(60),
  probeWait: seconds(1),
  probes: 3,
  probeInterval: { from: seconds(1), to: seconds(2) },
  announceWait: seconds(2),
  announcements: 2,
  announceInterval: seconds(2),
  defendInterval: seconds(10),
  routerSolicitationDelay: seconds(1),
  routerSolicitationInterval: seconds(4),
  routerSolicitationLongest: seconds(3_600),
  routerEntries: 16,
};

const linux: ConfigurationSettings = {
  ...standard,
  dhcpStartDelay: ms(0),
  probeWait: ms(20),
  probeInterval: { from: ms(20), to: ms(40) },
  announceWait: ms(100),
};

/** By profile. */
export const CONFIGURATION: {
  readonly standard: ConfigurationSettings;
  readonly linux: ConfigurationSettings;
} = { standard, linux };
