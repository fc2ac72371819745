import type { HostContext } from '../context.ts';
import { randomBelow } from '../random.ts';
import { after, type Duration, type Instant, NEVER } from '../time.ts';
import { type IPv4Address, IPV4_ANY, MAC_BROADCAST, MAC_ZERO, type MacAddress } from '../wire/address.ts';
import type { ArpPacket } from '../wire/arp.ts';

/** What an address probe needs of its interface, and whom it tells. */
export interface AddressProbeLink {
  readonly mac: MacAddress;
  sendArp(message: ArpPacket, destination: MacAddress): void;
  /** Nobody objected: the address may be used. */
  free(address: IPv4Address): void;
  /** Another host has it; the probe is over. */
  conflict(address: IPv4Address, other: MacAddress): void;
}

type Phase = 'idle' | 'probing' | 'announcing' | 'defending';

/** Watches over one address of an interface: is it free, and does it stay ours? [RFC 5227]. */
export class AddressProbe {
  readonly #context: HostContext;
  readonly #link: AddressProbeLink;
  #phase: Phase = 'idle';
  #address: IPv4Address = IPV4_ANY;
  /** Probes or announcements sent in this phase. */
  #sent: number = 0;
  #deadline: Instant = NEVER;
  #defendedAt: Instant | undefined;

  constructor(context: HostContext, link: AddressProbeLink) {
    this.#context = context;
    this.#link = link;
  }

  /** Asks whether anybody has `address`; ends what went on before. */
  start(address: IPv4Address): void {
    const { probes, probeWait } = this.#context.settings.configuration;
    this.#address = address;
    this.#phase = 'probing';
    this.#sent = 0;
    this.#defendedAt = undefined;
    this.#deadline = after(this.#context.now, probes === 0 ? (0 as Duration) : this.#upTo(probeWait));
  }

  stop(): void {
    this.#phase = 'idle';
    this.#deadline = NEVER;
  }

  get nextDeadline(): Instant {
    return this.#deadline;
  }

  /** Does what is due at `context.now`. */
  advance(): void {
    if (this.#context.now < this.#deadline) return;
    if (this.#phase === 'probing') this.#probe();
    else if (this.#phase === 'announcing') this.#announce();
  }

  /** Any ARP packet of the link. */
  arpArrived(message: ArpPacket): void {
    if (this.#phase === 'idle' || message.senderMac === this.#link.mac) return;
    const claims = message.senderIp === this.#address;
    if (this.#phase === 'probing') {
      // RFC 5227 2.1.1: somebody has it, or somebody else wants it at the same time.
      const wants = message.operation === 'request' && message.senderIp === IPV4_ANY;
      if (claims || (wants && message.targetIp === this.#address)) this.#lost(message.senderMac);
    } else if (claims) {
      this.#defend(message.senderMac);
    }
  }

  #probe(): void {
    const { probes, probeInterval, announceWait } = this.#context.settings.configuration;
    if (this.#sent >= probes) {
      this.#phase = 'announcing';
      this.#sent = 0;
      this.#link.free(this.#address);
      if (this.#phase === 'announcing') this.#announce();
      return;
    }
    this.#send(IPV4_ANY);
    this.#sent += 1;
    const { from, to } = probeInterval;
    const wait = this.#sent < probes ? from + this.#upTo((to - from) as Duration) : announceWait;
    this.#deadline = after(this.#context.now, wait as Duration);
  }

  /** RFC 5227 2.3. */
  #announce(): void {
    const { announcements, announceInterval } = this.#context.settings.configuration;
    if (this.#sent < announcements) this.#send(this.#address);
    this.#sent += 1;
    if (this.#sent < announcements) {
      this.#deadline = after(this.#context.now, announceInterval);
    } else {
      this.#phase = 'defending';
      this.#deadline = NEVER;
    }
  }

  /** RFC 5227 2.4 (b): says once that it is ours; who insists gets it. */
  #defend(other: MacAddress): void {
    const { now, settings } = this.#context;
    const before = this.#defendedAt;
    this.#defendedAt = now;
    if (before !== undefined && now < after(before, settings.configuration.defendInterval)) this.#lost(other);
    else this.#send(this.#address);
  }

  #lost(other: MacAddress): void {
    this.stop();
    this.#link.conflict(this.#address, other);
  }

  #send(senderIp: IPv4Address): void {
    const { mac } = this.#link;
    const message: ArpPacket = {
      operation: 'request',
      senderMac: mac,
      senderIp,
      targetMac: MAC_ZERO,
      targetIp: this.#address,
    };
    this.#link.sendArp(message, MAC_BROADCAST);
  }

  #upTo(longest: Duration): Duration {
    return randomBelow(this.#context.random, longest + 1) as Duration;
  }
}
