import { randomInt } from 'node:crypto';
import { formatAddress, type IpAddress, isIPv4, parseAddress } from '../stack/wire/address.ts';
import type { EchoError, EchoReply } from '../stack/ip/icmp.ts';
import type { Host } from '../stack/host.ts';
import { CliError, reportUncaught } from './failure.ts';
import { openReadyNetwork } from './network.ts';
import type { NetworkOptions } from './network-options.ts';
import { endOnSignals } from './teardown.ts';
import { watch } from './watch.ts';

/** What `glasstack ping` takes; seconds and bytes. */
export interface PingOptions extends NetworkOptions {
  readonly count?: number;
  readonly interval: number;
  readonly size: number;
  readonly timeout: number;
}

/** Pings, with the output of iputils. Exit code 1 if nobody answered. */
export async function ping(address: string, options: PingOptions): Promise<void> {
  reportUncaught();
  const literal = parseAddress(address);
  // A name is for the DNS servers of the link.
  if (literal === undefined && options.configure !== true) {
    throw new CliError(`'${address}' is no IP address.`, 2);
  }
  endOnSignals();
  const network = await openReadyNetwork(options, watch(options));
  const found = literal === undefined ? await network.stack.resolver.lookup(address) : [literal];
  const target = found.find(isIPv4) ?? found[0];
  if (target === undefined) throw new CliError(`${address} has no address.`);
  const headers = isIPv4(target) ? 28 : 48;
  process.stdout.write(
    `PING ${address} (${formatAddress(target)}) ${options.size}(${options.size + headers}) bytes of data.\n`,
  );
  const pinger = new Pinger(network.stack.host, target, network.address, options);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => pinger.finish());
  pinger.send();
}

const REASONS: { readonly [kind in EchoError['kind']]: string } = {
  'net-unreachable': 'Destination Net Unreachable',
  'host-unreachable': 'Destination Host Unreachable',
  'protocol-unreachable': 'Destination Protocol Unreachable',
  'port-unreachable': 'Destination Port Unreachable',
  'fragmentation-needed': 'Frag needed and DF set',
  'source-route-failed': 'Source Route Failed',
  'admin-prohibited': 'Packet filtered',
  'time-exceeded': 'Time to live exceeded',
  'parameter-problem': 'Parameter problem',
};

/** One run of pings. */
class Pinger {
  readonly #host: Host;
  readonly #target: IpAddress;
  readonly #ownAddress: string;
  readonly #options: PingOptions;
  readonly #identifier: number = randomInt(1, 65_536);
  readonly #payload: Uint8Array;
  readonly #start: number = performance.now();
  /** By sequence number: when it was sent; afterwards how long the answer took. */
  readonly #sentAt: Map<number, number> = new Map();
  readonly #times: number[] = [];
  #sent: number = 0;
  #errors: number = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(host: Host, target: IpAddress, ownAddress: string, options: PingOptions) {
    this.#host = host;
    this.#target = target;
    this.#ownAddress = ownAddress;
    this.#options = options;
    this.#payload = new Uint8Array(options.size).map((_, index) => index & 0xff);
    host.holds.retain();
    host.ip.icmp.onEchoReply((reply) => this.#answered(reply));
    host.ip.icmp.onEchoError((error) => this.#failed(error));
  }

  /** Sends one, and the others in time. */
  send(): void {
    this.#sent += 1;
    const sequence = this.#sent & 0xffff;
    this.#sentAt.set(sequence, performance.now());
    const request = { identifier: this.#identifier, sequence, payload: this.#payload };
    const went = this.#host.run(() => this.#host.ip.icmp.ping(this.#target, request));
    if (!went) throw new CliError('There is no way to send to this address: it is not on the network.', 2);
    const { count, interval, timeout } = this.#options;
    const isLast = this.#sent === count;
    const wait = isLast ? timeout : interval;
    this.#timer = setTimeout(() => (isLast ? this.finish() : this.send()), wait * 1_000);
  }

  /** Prints the statistics and ends the process. */
  finish(): void {
    clearTimeout(this.#timer);
    const received = this.#times.length;
    const loss = this.#sent === 0 ? 0 : Math.round((1 - received / this.#sent) * 100);
    const errors = this.#errors === 0 ? '' : `+${this.#errors} errors, `;
    const time = Math.round(performance.now() - this.#start);
    print(`\n--- ${formatAddress(this.#target)} ping statistics ---`);
    print(
      `${this.#sent} packets transmitted, ${received} received, ${errors}${loss}% packet loss, time ${time}ms`,
    );
    if (received > 0) print(this.#roundTrips());
    process.exit(received > 0 ? 0 : 1);
  }

  #roundTrips(): string {
    const times = this.#times;
    const mean = times.reduce((sum, time) => sum + time, 0) / times.length;
    const variance = times.reduce((sum, time) => sum + (time - mean) ** 2, 0) / times.length;
    const least = times.reduce((a, b) => Math.min(a, b));
    const most = times.reduce((a, b) => Math.max(a, b));
    const figures = [least, mean, most, Math.sqrt(variance)].map((time) => time.toFixed(3)).join('/');
    return `rtt min/avg/max/mdev = ${figures} ms`;
  }

  #answered(reply: EchoReply): void {
    if (reply.identifier !== this.#identifier) return;
    const sentAt = this.#sentAt.get(reply.sequence);
    const time = sentAt === undefined ? undefined : performance.now() - sentAt;
    this.#sentAt.delete(reply.sequence);
    const bytes = reply.payload.length + 8;
    const from = `${bytes} bytes from ${formatAddress(reply.source)}: icmp_seq=${reply.sequence} ttl=${reply.ttl}`;
    if (time === undefined) return print(`${from} (DUP!)`);
    this.#times.push(time);
    const wrong = this.#isOurs(reply.payload) ? '' : ' (wrong data!)';
    print(`${from} time=${time.toFixed(time < 1 ? 3 : time < 10 ? 2 : 1)} ms${wrong}`);
    this.#finishIfDone();
  }

  #isOurs(payload: Uint8Array): boolean {
    return (
      payload.length === this.#payload.length && payload.every((byte, index) => byte === this.#payload[index])
    );
  }

  #failed(error: EchoError): void {
    if (error.identifier !== this.#identifier) return;
    this.#errors += 1;
    print(`From ${this.#ownAddress} icmp_seq=${error.sequence} ${REASONS[error.kind]}`);
    this.#finishIfDone();
  }

  #finishIfDone(): void {
    if (this.#sent === this.#options.count && this.#times.length + this.#errors >= this.#sent) this.finish();
  }
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
