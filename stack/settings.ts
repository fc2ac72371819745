// oxlint-disable max-lines -- one list of settings, each with its source
/**
 * Every number that a person might want to change, with where its default comes from. The profiles: `standard` (the RFCs'
 * values), `linux` (what Linux 6.x does out of the box), `textbook` (the teaching values of `labs.md`) and, for packet scripts
 * only, `freebsd`.
 */

import { CONFIGURATION, type ConfigurationSettings } from './configuration-settings.ts';
import { FAST_OPEN, type FastOpenSettings } from './fast-open-settings.ts';
import { freebsdOf } from './freebsd-settings.ts';
import { HARDENING, type HardeningSettings } from './hardening-settings.ts';
import type { IpSettings } from './ip-settings.ts';
import { type Duration, ms, seconds, us } from './time.ts';
import type { OptionLayout } from './wire/tcp-options.ts';

export type { IpSettings } from './ip-settings.ts';

/** `passive`: accepted from who offers it; `on`: offered too; `accurate`: RFC 9768's where the peer has it. tcp_ecn = 0, 2, 1, 3. */
export type EcnSetting = 'off' | 'passive' | 'on' | 'accurate';

/** Settings of TCP. */
export interface TcpSettings extends FastOpenSettings, HardeningSettings {
  /** Maximum segment lifetime: 2 minutes [RFC 9293 3.4.2]; TIME-WAIT lasts two of them. Linux: 60 s in all. */
  readonly msl: Duration;
  /** TIME-WAIT ignores RST [RFC 1337 3, fix F1]; off: a RST ends it, as the base text says [RFC 9293 3.10.7.4]. */
  readonly rfc1337: boolean;
  /** How long FIN-WAIT-2 lasts after the program gave the connection up altogether; RFC 9293 has no such limit, Linux 60 s. */
  readonly finWait2Timeout: Duration;
  /** RTO before the first measurement [RFC 6298 2.1]. */
  readonly initialRto: Duration;
  /** Smallest RTO: 1 s [RFC 6298 2.4]; Linux 200 ms. */
  readonly minRto: Duration;
  /** Largest RTO: at least 60 s [RFC 6298 2.5]; Linux 120 s. */
  readonly maxRto: Duration;
  /**
   * Clock granularity G, the least that the variance adds to the RTO [RFC 6298 2]. Linux lets it add its minimum RTO, so that RTO is
   * SRTT + 200 ms on a steady path.
   */
  readonly granularity: Duration;
  /** Retransmissions of one segment until IP is advised and the program told: at least 3 [RFC 9293 3.8.3, SHLD-10]. */
  readonly r1: number;
  /** Time from the first transmission of a segment until the connection is given up: at least 100 s [RFC 9293 SHLD-11]; Linux 924.6 s (tcp_retries2 = 15). */
  readonly r2: Duration;
  /** Retransmissions of a SYN: 7 make 255 s; at least 3 minutes are asked for [RFC 9293 MUST-23]; Linux 6. */
  readonly synRetries: number;
  /** Retransmissions of a SYN-ACK: 5, so 63 s [attacks.md A7, Linux]. */
  readonly synAckRetries: number;
  /** Longest time between two zero-window probes [RFC 9293 3.8.6.1: exponential]. */
  readonly maxPersist: Duration;
  /** How long an ACK may wait: below 500 ms [RFC 9293 MUST-40]; Linux 40 ms. */
  readonly delayedAck: Duration;
  /** An ACK is due at the latest after so many full-sized segments [RFC 9293 SHLD-19]. */
  readonly ackEvery: number;
  /** One ACK per batch and connection, however many segments it had [RFC 9293 MUST-59]; off: one for each `ackEvery` segments, as a stack without batches. */
  readonly ackPerBatch: boolean;
  /** Segments at the start of a connection, and after a loss, that are acknowledged at once (Linux's quick ACKs); 0: none. */
  readonly quickAcks: number;
  /** Nagle's algorithm at the start [RFC 9293 SHLD-7]. */
  readonly nagle: boolean;
  /** How long a segment below half of the peer's largest window may wait for more: 0.1 to 1 s [RFC 9293 3.8.6.2.1]. */
  readonly override: Duration;
  /** Initial window in segments [RFC 6928 2: 10]. */
  readonly initialWindow: number;
  /** Initial ssthresh in bytes; "arbitrarily high" [RFC 5681 3.1]. */
  readonly initialSsthresh: number;
  /**
   * Most a cwnd in slow start grows per ACK, in SMSS: L [RFC 3465 2.3: at most 2; RFC 5681 3.1: 1]. `standard` takes 8, since
   * peers that offload acknowledge many segments at once and slow start would crawl; Linux has no limit.
   */
  readonly abcLimit: number;
  /**
   * The congestion control of new connections: NewReno [RFC 5681, RFC 6582], CUBIC [RFC 9438] or BBR version 3 [draft-ietf-ccwg-bbr].
   * `none`, against RFC 9293 MUST-19, is for measuring and for links of one's own.
   */
  readonly congestion: 'newreno' | 'cubic' | 'bbr' | 'none';
  /** Whether data is spread over the round-trip time: `auto`, if the congestion control asks for it (BBR does); Linux, without the fq qdisc, the same. */
  readonly pacing: 'auto' | 'on' | 'off';
  /** Pacing rate in cwnd/SRTT in slow start, for an algorithm that names none [Linux tcp_pacing_ss_ratio: 2]. */
  readonly pacingSlowStart: number;
  /** The same in congestion avoidance [Linux tcp_pacing_ca_ratio: 1.2]. */
  readonly pacingAvoidance: number;
  /** Slow start ends early when the round-trip time grows: HyStart++ [RFC 9406]; NewReno and CUBIC. */
  readonly hystart: boolean;
  /** A window that was not used for an RTO decays toward what was used [RFC 2861; in Linux a part of tcp_slow_start_after_idle]. */
  readonly cwndValidation: boolean;
  /** After an idle time longer than the RTO sending begins with the initial window again [RFC 5681 4.1; Linux tcp_slow_start_after_idle]. */
  readonly slowStartAfterIdle: boolean;
  /** Duplicate ACKs that mean a loss [RFC 5681 3.2: 3]. */
  readonly dupThresh: number;
  /** One new segment for each of the first two duplicate ACKs [RFC 3042]. */
  readonly limitedTransmit: boolean;
  /** Selective acknowledgments are offered, sent and used [RFC 2018; RFC 6675]. */
  readonly sack: boolean;
  /** A segment that came twice is reported in the first SACK block [RFC 2883]. */
  readonly dsack: boolean;
  /** Losses are found by time [RFC 8985 6], not by counting SACKed segments [RFC 6675 4]; needs SACK. */
  readonly rack: boolean;
  /** The tail is probed when no ACK comes [RFC 8985 7]; needs SACK. */
  readonly tailLossProbe: boolean;
  /** What TLP assumes a receiver delays an ACK by at most [RFC 8985 7.2: TLP.max_ack_delay]; Linux 200 ms. */
  readonly maxAckDelay: Duration;
  /** What TLP waits beyond two round trips for the noise of timers; Linux two ticks of 1 ms. */
  readonly probeSlack: Duration;
  /** In recovery what is sent follows what is delivered [RFC 6937]; off: cwnd falls to ssthresh at once [RFC 6675 5]; needs SACK. */
  readonly proportionalRateReduction: boolean;
  /** After a timeout the next ACKs are watched for whether it was spurious [RFC 5682]. */
  readonly frto: boolean;
  /** What a spurious recovery did to the window is undone, on the word of timestamps or D-SACK [RFC 3522, RFC 4015]; needs SACK. */
  readonly undo: boolean;
  /** How long a smallest round-trip time is believed [RFC 8985 6.2, step 1]; Linux 300 s. */
  readonly minRttWindow: Duration;
  /**
   * The MTU of paths whose routers say nothing [RFC 4821, RFC 8899]: looked for when full-sized segments vanish (`black-hole`, Linux
   * tcp_mtu_probing = 1), or never; Linux's default.
   */
  readonly mtuProbing: 'off' | 'black-hole';
  /** Timeouts in a row of a full-sized segment that mean a black hole; Linux tcp_retries1 = 3. */
  readonly blackHoleTimeouts: number;
  /** Bytes the send buffer holds at first, and after autotuning. */
  readonly sendBuffer: Range;
  /** Bytes that may wait unsent in the send buffer beyond what the windows take [Linux tcp_notsent_lowat]; Infinity: no limit. */
  readonly notSentLowat: number;
  /** Bytes the receive buffer (so the window) holds at first, and after autotuning. */
  readonly receiveBuffer: Range;
  /** Window scaling is offered and taken [RFC 7323 2]. */
  readonly windowScaling: boolean;
  /** Timestamps are offered and taken [RFC 7323 3]. */
  readonly timestamps: boolean;
  /** Length of a tick of the timestamp clock: 1 ms to 1 s [RFC 7323 5.4]. */
  readonly timestampTick: Duration;
  /** A TS.Recent this old is no longer believed: 24 days [RFC 7323 5.5]. */
  readonly pawsIdle: Duration;
  /** Largest MSS that is announced and used, options aside: a clamp for paths that are known to be narrow; the link's MTU else [RFC 9293 3.7.1]. */
  readonly maxMss: number;
  /** Smallest MSS we believe a peer [attacks.md A12; Linux tcp_min_snd_mss = 48]. */
  readonly minMss: number;
  /** Idle time before the first keep-alive probe: at least two hours [RFC 9293 MUST-28]. */
  readonly keepAliveIdle: Duration;
  /** Time between keep-alive probes. */
  readonly keepAliveInterval: Duration;
  /** Unanswered probes that mean a dead peer; one never does [RFC 9293 MUST-29]. */
  readonly keepAliveCount: number;
  /** Shortest time between two challenge ACKs of one connection [RFC 5961 7; Linux 500 ms]. */
  readonly challengeAckInterval: Duration;
  /** Accept queue of a listener that names none; its SYN queue is as long. */
  readonly backlog: number;
  /** First and last ephemeral port [RFC 6056 3.2: 1024 and up; Linux 32768..60999]. */
  readonly ephemeralPorts: Range;
  /** Order of the TCP options. */
  readonly optionLayout: OptionLayout;
  /** Explicit congestion notification [RFC 3168; RFC 9293 SHLD-8]: Linux's tcp_ecn = 2 (`passive`); `textbook`: `off`. */
  readonly ecn: EcnSetting;
  /** Accurate ECN's byte counters go with ACKs [RFC 9768 3.2.3: SHOULD; Linux tcp_ecn_option = 2]. */
  readonly accurateEcnOption: boolean;
  /** Sends super-segments where the device takes them. */
  readonly superSegments: boolean;
  /** Hard ICMP errors end a connection even once it is synchronized [RFC 9293 SHLD-26]; off: they are soft then, since anybody can forge them [RFC 5927 5.2]. */
  readonly hardErrorsAbort: boolean;
}

/** A closed interval. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

/** All settings of a host. */
export interface Settings {
  /** What the profile is called, with a `*` if something was changed. */
  readonly profile: string;
  readonly ip: IpSettings;
  readonly tcp: TcpSettings;
  /** DHCP, router discovery, address probes. */
  readonly configuration: ConfigurationSettings;
}

const standard: Settings = {
  profile: 'standard',
  configuration: CONFIGURATION.standard,
  ip: {
    ttl: 64,
    reassemblyTimeout: seconds(60),
    reassemblyMemory: 4 * 1024 * 1024,
    reassemblyPerSource: 64,
    icmpRate: 1_000,
    icmpBurst: 50,
    echo: true,
    neighbours: 1_024,
    neighbourTimeout: seconds(60),
    arpInterval: seconds(1),
    arpRetries: 3,
    neighbourQueue: 101,
    extensionHeaders: 8,
    pathMtus: 1_024,
    pathMtuTimeout: seconds(600),
    minPathMtu: 552,
    minPathMtu6: 1_280,
    dupAddrDetectTransmits: 1,
    dadDelay: seconds(1),
    reachableTime: seconds(30),
    retransTimer: seconds(1),
    delayFirstProbe: seconds(5),
    maxMulticastSolicit: 3,
    maxUnicastSolicit: 3,
  },
  tcp: {
    msl: seconds(120),
    rfc1337: true,
    finWait2Timeout: seconds(60),
    initialRto: seconds(1),
    minRto: seconds(1),
    maxRto: seconds(60),
    granularity: ms(1),
    r1: 3,
    r2: seconds(100),
    synRetries: 7,
    synAckRetries: 5,
    maxPersist: seconds(60),
    delayedAck: ms(200),
    ackEvery: 2,
    ackPerBatch: true,
    quickAcks: 0,
    nagle: true,
    override: ms(200),
    initialWindow: 10,
    initialSsthresh: 0x3fffffff,
    abcLimit: 8,
    congestion: 'cubic',
    pacing: 'auto',
    pacingSlowStart: 2,
    pacingAvoidance: 1.2,
    hystart: true,
    cwndValidation: false,
    slowStartAfterIdle: true,
    dupThresh: 3,
    limitedTransmit: true,
    sack: true,
    dsack: true,
    rack: true,
    tailLossProbe: true,
    maxAckDelay: ms(200),
    probeSlack: ms(2),
    proportionalRateReduction: true,
    frto: true,
    undo: true,
    minRttWindow: seconds(300),
    mtuProbing: 'black-hole',
    blackHoleTimeouts: 2,
    sendBuffer: { from: 256 * 1024, to: 4 * 1024 * 1024 },
    notSentLowat: Infinity,
    receiveBuffer: { from: 128 * 1024, to: 6 * 1024 * 1024 },
    windowScaling: true,
    timestamps: true,
    timestampTick: ms(1),
    pawsIdle: seconds(24 * 24 * 3600),
    maxMss: 65_535,
    minMss: 48,
    keepAliveIdle: seconds(7_200),
    keepAliveInterval: seconds(75),
    keepAliveCount: 9,
    challengeAckInterval: ms(500),
    ...HARDENING,
    backlog: 511,
    ephemeralPorts: { from: 49_152, to: 65_535 },
    optionLayout: 'standard',
    ecn: 'passive',
    accurateEcnOption: true,
    superSegments: true,
    hardErrorsAbort: false,
    ...FAST_OPEN,
  },
};

const linux: Settings = {
  profile: 'linux',
  configuration: CONFIGURATION.linux,
  ip: { ...standard.ip, reassemblyTimeout: seconds(30) },
  tcp: {
    ...standard.tcp,
    msl: seconds(30),
    rfc1337: false,
    minRto: ms(200),
    granularity: ms(200),
    maxRto: seconds(120),
    r2: us(924_600_000),
    synRetries: 6,
    mtuProbing: 'off',
    blackHoleTimeouts: 3,
    maxPersist: seconds(120),
    delayedAck: ms(40),
    quickAcks: 16,
    abcLimit: 1_000_000,
    cwndValidation: true,
    ephemeralPorts: { from: 32_768, to: 60_999 },
    optionLayout: 'linux',
    fastOpen: 'client',
    fastOpenKeyLifetime: seconds(0),
  },
};

const textbook: Settings = {
  profile: 'textbook',
  configuration: CONFIGURATION.standard,
  ip: standard.ip,
  tcp: {
    ...standard.tcp,
    rfc1337: false,
    hardErrorsAbort: true,
    synCookies: 'off',
    abcLimit: 2,
    congestion: 'newreno',
    hystart: false,
    limitedTransmit: false,
    sack: false,
    rack: false,
    tailLossProbe: false,
    frto: false,
    undo: false,
    mtuProbing: 'off',
    ackPerBatch: false,
    sendBuffer: { from: 1024 * 1024, to: 1024 * 1024 },
    receiveBuffer: { from: 1024 * 1024, to: 1024 * 1024 },
    ecn: 'off',
    superSegments: false,
  },
};

/** The named profiles; `freebsd` exists for scripts only. */
export const PROFILES: {
  readonly standard: Settings;
  readonly linux: Settings;
  readonly textbook: Settings;
  readonly freebsd: Settings;
} = {
  standard,
  linux,
  textbook,
  freebsd: freebsdOf(standard),
};

/** What a caller may say: a profile's name, and the fields that differ from it. */
export interface SettingsChanges {
  readonly profile?: keyof typeof PROFILES;
  readonly ip?: Partial<IpSettings>;
  readonly tcp?: Partial<TcpSettings>;
  readonly configuration?: Partial<ConfigurationSettings>;
}

/** The settings of `changes.profile` (`standard` if it names none) with the named fields changed. */
export function settings(changes: SettingsChanges = {}): Settings {
  const base = PROFILES[changes.profile ?? 'standard'];
  if (changes.ip === undefined && changes.tcp === undefined && changes.configuration === undefined)
    return base;
  return {
    profile: `${base.profile}*`,
    ip: { ...base.ip, ...changes.ip },
    tcp: { ...base.tcp, ...changes.tcp },
    configuration: { ...base.configuration, ...changes.configuration },
  };
}
