/** A DHCP server for tests: answers over a host of ours as the test tells it, and keeps what it was asked. */
import type { Host } from '../../../stack/host.ts';
import type { Interface } from '../../../stack/link/interface.ts';
import type { UdpSocket } from '../../../stack/udp/udp.ts';
import {
  formatAddress,
  type IPv4Address,
  IPV4_ANY,
  IPV4_BROADCAST,
  ipv4,
} from '../../../stack/wire/address.ts';
import * as dhcp from '../../../stack/wire/dhcp.ts';
import * as option from '../../../stack/wire/dhcp-options.ts';
import { type DhcpMessageType, OPTION } from '../../../stack/wire/dhcp-options.ts';

export const SERVER: IPv4Address = ipv4(10, 0, 0, 1);
export const OFFERED: IPv4Address = ipv4(10, 0, 0, 50);

/** What a client asked. */
export interface Asked {
  /** Microseconds. */
  readonly at: number;
  readonly type: DhcpMessageType | undefined;
  readonly from: string;
  readonly to: string;
  readonly message: dhcp.DhcpMessage;
}

export class DhcpServerModel {
  readonly asked: Asked[] = [];
  /** What it answers to these; a message that is missing is not answered. */
  answers: Map<DhcpMessageType, 'OFFER' | 'ACK' | 'NAK'> = new Map([
    ['DISCOVER', 'OFFER'],
    ['REQUEST', 'ACK'],
  ]);
  address: IPv4Address = OFFERED;
  /** In seconds. */
  leaseTime: number = 3_600;
  /** Besides, or instead of, the usual ones. */
  options: Map<number, Uint8Array> = new Map();
  /** May change an answer before it leaves. */
  tamper: (bytes: Uint8Array) => Uint8Array = (bytes) => bytes;
  readonly #host: Host;
  readonly #interface: Interface;
  readonly #socket: UdpSocket;

  constructor(host: Host, on: Interface) {
    this.#host = host;
    this.#interface = on;
    const socket = host.udp.bind(undefined, dhcp.DHCP_SERVER_PORT, {
      datagramArrived: (data, from, to) =>
        this.#arrived(data, formatAddress(from.address), formatAddress(to.address)),
    });
    if (socket === undefined) throw new Error('port 67 is taken');
    this.#socket = socket;
  }

  /** The kinds of what was asked since the last call. */
  take(): string[] {
    return this.asked.splice(0).map(({ type }) => type ?? '?');
  }

  #arrived(data: Uint8Array, from: string, to: string): void {
    const message = dhcp.parse(data);
    if (typeof message === 'string') throw new Error(`the client sent nonsense: ${message}`);
    const type = option.messageType(message.options);
    this.asked.push({ at: this.#host.scheduler.now(), type, from, to, message });
    const answer = type === undefined ? undefined : this.answers.get(type);
    if (answer !== undefined) this.answer(answer, message);
  }

  answer(type: 'OFFER' | 'ACK' | 'NAK', to: dhcp.DhcpMessage): void {
    const seconds = option.numberValue(this.leaseTime, 4);
    const usual: readonly (readonly [number, Uint8Array])[] = [
      [OPTION.messageType, option.typeValue(type)],
      [OPTION.serverIdentifier, option.addressValue(SERVER)],
      [OPTION.leaseTime, seconds],
      [OPTION.subnetMask, option.addressValue(ipv4(255, 255, 255, 0))],
      [OPTION.routers, option.addressValue(SERVER)],
      [OPTION.nameServers, option.addressValue(SERVER)],
    ];
    const bytes = dhcp.emit({
      ...to,
      op: 'reply',
      yiaddr: type === 'NAK' ? IPV4_ANY : this.address,
      options: new Map([...usual, ...this.options]),
    });
    const destination = to.broadcast || type === 'NAK' ? IPV4_BROADCAST : to.ciaddr;
    const route = { interface: this.#interface, nextHop: destination, source: SERVER };
    this.#socket.send(this.tamper(bytes), destination, dhcp.DHCP_CLIENT_PORT, { via: route });
  }
}
