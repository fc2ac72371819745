import type { HostContext } from '../context.ts';
import { randomBelow } from '../random.ts';
import { after, between, type Duration, earlier, type Instant, NEVER, ms, seconds } from '../time.ts';
import { formatAddress, type IPv4Address, IPV4_ANY, type MacAddress } from '../wire/address.ts';
import * as dhcp from '../wire/dhcp.ts';
import * as option from '../wire/dhcp-options.ts';
import { type DhcpMessageType, OPTION } from '../wire/dhcp-options.ts';
import { type DhcpLease, leaseOf } from './lease.ts';

/**
 * RFC 2131 4.4, Figure 5. PROBING is ours: the server has acknowledged, and ARP asks whether somebody has the address all the same.
 * STOPPED: not started, or ended.
 */
export type DhcpState =
  | 'STOPPED'
  | 'INIT'
  | 'SELECTING'
  | 'REQUESTING'
  | 'PROBING'
  | 'BOUND'
  | 'RENEWING'
  | 'REBINDING'
  | 'INIT-REBOOT'
  | 'REBOOTING';

/** What the client needs of its interface, and whom it tells. */
export interface DhcpLink {
  readonly mac: MacAddress;
  /** Sends from 0.0.0.0 (`from` undefined) or from the leased address; to everyone on the link, or to a server. */
  send(message: Uint8Array, from: IPv4Address | undefined, to: IPv4Address | 'everyone'): void;
  /** Asks with ARP whether somebody has `address`; `probed` or `conflict` is called when that is known. */
  probe(address: IPv4Address): void;
  /** The address is ours: for the first time, or with a new lease. */
  bound(lease: DhcpLease): void;
  /** It is ours no more. */
  lost(lease: DhcpLease): void;
  /** A sentence for the trace. */
  note(text: string): void;
}

/** What may be different from one client to another. */
export interface DhcpClientOptions {
  /** Told to the server: letters, digits, hyphens. */
  readonly hostName?: string | undefined;
  /** The address of an earlier run: it is asked for first (INIT-REBOOT). */
  readonly previous?: IPv4Address | undefined;
}

const PARAMETERS: readonly number[] = [
  OPTION.subnetMask,
  OPTION.classlessRoutes, // RFC 3442: before the routers
  OPTION.routers,
  OPTION.nameServers,
  OPTION.domainName,
  OPTION.domainSearch,
  OPTION.interfaceMtu,
  OPTION.leaseTime,
  OPTION.renewalTime,
  OPTION.rebindingTime,
];
/** What we take in one message: an Ethernet frame full. */
const LARGEST_MESSAGE = 1_472;
/** Each wait is varied by as much either way [RFC 2131 4.1]. */
const JITTER = seconds(1);

/** A DHCP client [RFC 2131 4.4]. Inputs: messages, deadlines, what ARP found; it tells its link what to send and what it learnt. */
export class DhcpClient {
  readonly #context: HostContext;
  readonly #link: DhcpLink;
  readonly #options: DhcpClientOptions;
  #state: DhcpState = 'STOPPED';
  #xid: number = 0;
  #began: Instant;
  /** When the request that is to be answered was sent first: leases count from there [RFC 2131 4.4.1]. */
  #requestedAt: Instant;
  /** Messages sent for the present question. */
  #sent: number = 0;
  #deadline: Instant = NEVER;
  /** What was offered, acknowledged or is in use. */
  #lease: DhcpLease | undefined;
  /** The address of an earlier lease, asked for when the client begins anew. */
  #wanted: IPv4Address | undefined;
  /** DHCPNAKs and conflicts without a lease between them. */
  #setbacks: number = 0;

  constructor(context: HostContext, link: DhcpLink, options: DhcpClientOptions = {}) {
    this.#context = context;
    this.#link = link;
    this.#options = options;
    this.#wanted = options.previous;
    this.#began = context.now;
    this.#requestedAt = context.now;
  }

  get state(): DhcpState {
    return this.#state;
  }

  /** What the server gave, while the address may be used. */
  get lease(): DhcpLease | undefined {
    return this.#mayUse ? this.#lease : undefined;
  }

  get #mayUse(): boolean {
    return this.#state === 'BOUND' || this.#state === 'RENEWING' || this.#state === 'REBINDING';
  }

  get nextDeadline(): Instant {
    return this.#deadline;
  }

  /** Begins; with an address of an earlier run it asks for that first [RFC 2131 3.2]. */
  start(): void {
    if (this.#state !== 'STOPPED') return;
    this.#began = this.#context.now;
    const { dhcpStartDelay } = this.#context.settings.configuration;
    this.#enter(this.#wanted === undefined ? 'INIT' : 'INIT-REBOOT', 'started');
    this.#wakeIn(randomBelow(this.#context.random, dhcpStartDelay + 1) as Duration);
  }

  /** Gives the address back (DHCPRELEASE) and ends [RFC 2131 4.4.6]. */
  stop(): void {
    if (this.#state === 'STOPPED') return;
    const lease = this.#lease;
    if (this.#mayUse && lease !== undefined) {
      this.#newQuestion();
      this.#send('RELEASE', { from: lease.address, to: lease.server, ciaddr: lease.address }, [
        [OPTION.serverIdentifier, option.addressValue(lease.server)],
      ]);
    }
    this.#leave('STOPPED', 'stopped');
    this.#deadline = NEVER;
  }

  /** Does what is due at `context.now`. */
  advance(): void {
    if (this.#context.now < this.#deadline) return;
    this.#deadline = NEVER;
    switch (this.#state) {
      case 'INIT':
        this.#newQuestion();
        this.#enter('SELECTING', 'asks who gives addresses');
        return this.#discover();
      case 'SELECTING':
        return this.#discover();
      case 'INIT-REBOOT':
        this.#newQuestion();
        this.#enter('REBOOTING', 'asks for the address it had');
        return this.#requestAgain();
      case 'REQUESTING':
      case 'REBOOTING':
        return this.#requestAgain();
      case 'BOUND':
        this.#newQuestion();
        this.#enter('RENEWING', 'T1: asks the server for more time');
        return this.#renew();
      case 'RENEWING':
      case 'REBINDING':
        return this.#renew();
      case 'PROBING':
      case 'STOPPED':
    }
  }

  /** The payload of a datagram to the client port. False: it is none for us. */
  messageArrived(bytes: Uint8Array): boolean {
    const message = dhcp.parse(bytes);
    if (typeof message === 'string' || message.op !== 'reply') return false;
    if (message.xid !== this.#xid || message.chaddr !== this.#link.mac) return false;
    switch (option.messageType(message.options)) {
      case 'OFFER':
        return this.#state === 'SELECTING' && this.#offered(message);
      case 'ACK':
        return this.#acknowledged(message);
      case 'NAK':
        return this.#refused(message);
      default:
        return false;
    }
  }

  /** ARP knows nobody who has the address. */
  probed(): void {
    const lease = this.#lease;
    if (this.#state !== 'PROBING' || lease === undefined) return;
    this.#bind(lease, 'nobody else has the address');
  }

  /** Somebody else has the address: before we took it [RFC 2131 4.4.1], or later [RFC 5227 2.4]. */
  conflict(): void {
    const lease = this.#lease;
    if (lease === undefined || (this.#state !== 'PROBING' && !this.#mayUse)) return;
    this.#newQuestion();
    this.#send('DECLINE', { from: undefined, to: 'everyone', ciaddr: IPV4_ANY }, [
      [OPTION.requestedAddress, option.addressValue(lease.address)],
      [OPTION.serverIdentifier, option.addressValue(lease.server)],
    ]);
    this.#wanted = undefined;
    this.#leave('INIT', `somebody else has ${formatAddress(lease.address)}`);
    this.#wakeIn(this.#context.settings.configuration.dhcpDeclineWait);
  }

  #offered(message: dhcp.DhcpMessage): boolean {
    const offer = leaseOf(message, this.#context.now);
    if (offer === undefined) return false;
    this.#lease = offer;
    this.#sent = 0;
    this.#enter('REQUESTING', `${formatAddress(offer.server)} offers ${formatAddress(offer.address)}`);
    this.#requestedAt = this.#context.now;
    this.#requestAgain();
    return true;
  }

  #acknowledged(message: dhcp.DhcpMessage): boolean {
    const state = this.#state;
    if (state !== 'REQUESTING' && state !== 'REBOOTING' && state !== 'RENEWING' && state !== 'REBINDING') {
      return false;
    }
    const given = leaseOf(message, this.#requestedAt);
    const old = this.#lease;
    if (given === undefined) return false;
    if (state === 'REQUESTING' && (given.server !== old?.server || given.address !== old.address))
      return false;
    if (state === 'REBOOTING' && given.address !== this.#wanted) return false;
    // RFC 2131 4.4.5: a lease is renewed, not changed.
    if (this.#mayUse && given.address !== old?.address) return false;
    if (this.#mayUse) {
      this.#bind(given, `${formatAddress(given.server)} renews the lease`);
      return true;
    }
    this.#lease = given;
    this.#deadline = NEVER;
    this.#enter('PROBING', `${formatAddress(given.server)} gives ${formatAddress(given.address)}`);
    this.#link.probe(given.address);
    return true;
  }

  #refused(message: dhcp.DhcpMessage): boolean {
    const state = this.#state;
    const server = option.address(message.options, OPTION.serverIdentifier);
    if (server === undefined) return false;
    if (state === 'REQUESTING' || state === 'RENEWING') {
      if (server !== this.#lease?.server) return false;
    } else if (state !== 'REBOOTING' && state !== 'REBINDING') {
      return false;
    }
    this.#wanted = undefined;
    this.#leave('INIT', `${formatAddress(server)} refuses (DHCPNAK)`);
    // The first time at once; a server that says no again and again is not asked as fast as it answers.
    this.#setbacks += 1;
    const { dhcpDeclineWait } = this.#context.settings.configuration;
    this.#wakeIn(this.#setbacks === 1 ? ms(0) : dhcpDeclineWait);
    return true;
  }

  #bind(lease: DhcpLease, cause: string): void {
    this.#lease = lease;
    this.#wanted = lease.address;
    this.#setbacks = 0;
    this.#enter('BOUND', cause);
    this.#deadline = lease.renewAt;
    this.#link.bound(lease);
  }

  // -- questions -----------------------------------------------------------------------------------------------------------

  #discover(): void {
    const wanted = this.#wanted;
    this.#send('DISCOVER', { from: undefined, to: 'everyone', ciaddr: IPV4_ANY }, [
      ...(wanted === undefined ? [] : [entry(OPTION.requestedAddress, option.addressValue(wanted))]),
      ...this.#particulars(),
    ]);
    this.#wakeIn(this.#backoff());
  }

  /** The DHCPREQUEST of REQUESTING and REBOOTING; after the last one without an answer the client begins anew. */
  #requestAgain(): void {
    const { dhcpRequests } = this.#context.settings.configuration;
    const offer = this.#state === 'REQUESTING' ? this.#lease : undefined;
    const wanted = offer?.address ?? this.#wanted;
    if (this.#sent >= dhcpRequests || wanted === undefined) {
      this.#leave('INIT', 'no answer');
      this.#wakeIn(ms(0));
      return;
    }
    this.#send('REQUEST', { from: undefined, to: 'everyone', ciaddr: IPV4_ANY }, [
      [OPTION.requestedAddress, option.addressValue(wanted)],
      ...(offer === undefined ? [] : [entry(OPTION.serverIdentifier, option.addressValue(offer.server))]),
      ...this.#particulars(),
    ]);
    this.#wakeIn(this.#backoff());
  }

  /** Until T2 to the server, then to everyone; each time after half of what is left, but a minute at least [RFC 2131 4.4.5]. */
  #renew(): void {
    const lease = this.#lease;
    const { now, settings } = this.#context;
    if (lease === undefined) return;
    if (now >= lease.expiresAt) {
      this.#leave('INIT', 'the lease has expired');
      this.#wakeIn(ms(0));
      return;
    }
    if (this.#state === 'RENEWING' && now >= lease.rebindAt) {
      this.#newQuestion();
      this.#enter('REBINDING', 'T2: asks all servers for more time');
    }
    const rebinding = this.#state === 'REBINDING';
    const to = rebinding ? 'everyone' : lease.server;
    this.#send('REQUEST', { from: lease.address, to, ciaddr: lease.address }, this.#particulars());
    const end = rebinding ? lease.expiresAt : lease.rebindAt;
    const half = Math.max(Math.floor(between(now, end) / 2), settings.configuration.dhcpRenewInterval);
    this.#deadline = earlier(end, after(now, half as Duration));
  }

  /** What every DISCOVER and REQUEST says of us. */
  #particulars(): readonly Option[] {
    const { hostName } = this.#options;
    return [
      [OPTION.maximumSize, option.numberValue(LARGEST_MESSAGE, 2)],
      [OPTION.parameterList, Uint8Array.from(PARAMETERS)],
      ...(hostName === undefined ? [] : [entry(OPTION.hostName, option.textValue(hostName))]),
    ];
  }

  #send(type: DhcpMessageType, way: Way, options: readonly Option[]): void {
    const { mac } = this.#link;
    const waited = Math.floor(between(this.#began, this.#context.now) / seconds(1));
    const message: dhcp.DhcpMessage = {
      op: 'request',
      xid: this.#xid,
      secs: Math.min(0xffff, waited),
      // Before the address is ours, answers to it would pass us by [RFC 2131 4.1].
      broadcast: way.from === undefined,
      ciaddr: way.ciaddr,
      yiaddr: IPV4_ANY,
      siaddr: IPV4_ANY,
      giaddr: IPV4_ANY,
      chaddr: mac,
      options: new Map([entry(OPTION.messageType, option.typeValue(type)), ...options]),
    };
    this.#sent += 1;
    this.#link.send(dhcp.emit(message), way.from, way.to);
  }

  #newQuestion(): void {
    this.#xid = this.#context.random.u32();
    this.#sent = 0;
    this.#requestedAt = this.#context.now;
  }

  /** 4, 8, 16, 32, 64 s, each one second more or less at random [RFC 2131 4.1]. */
  #backoff(): Duration {
    const { dhcpFirstTimeout, dhcpLongestTimeout } = this.#context.settings.configuration;
    const doubled = dhcpFirstTimeout * 2 ** Math.min(this.#sent - 1, 16);
    const jitter = randomBelow(this.#context.random, 2 * JITTER + 1) - JITTER;
    return Math.max(0, Math.min(dhcpLongestTimeout, doubled) + jitter) as Duration;
  }

  #wakeIn(wait: Duration): void {
    this.#deadline = after(this.#context.now, wait);
  }

  /** Into a state in which there is no address. */
  #leave(state: 'INIT' | 'STOPPED', cause: string): void {
    const lost = this.#mayUse ? this.#lease : undefined;
    this.#enter(state, cause);
    this.#lease = undefined;
    if (lost !== undefined) this.#link.lost(lost);
  }

  #enter(state: DhcpState, cause: string): void {
    this.#link.note(`DHCP ${this.#state} -> ${state}: ${cause}`);
    this.#state = state;
  }
}

interface Way {
  readonly from: IPv4Address | undefined;
  readonly to: IPv4Address | 'everyone';
  readonly ciaddr: IPv4Address;
}

type Option = readonly [number, Uint8Array];

function entry(code: number, value: Uint8Array): Option {
  return [code, value];
}
