/** What the tests of neighbour discovery share. */
import { expect } from 'vitest';
import { PacketBuffer } from '../../../stack/bytes/packet-buffer.ts';
import type { Neighbours6 } from '../../../stack/link/neighbours6.ts';
import type { SettingsChanges } from '../../../stack/settings.ts';
import { type IPv6Address, type MacAddress, parseMac } from '../../../stack/wire/address.ts';
import * as ethernet from '../../../stack/wire/ethernet.ts';
import * as icmpv6 from '../../../stack/wire/icmpv6.ts';
import * as ipv6 from '../../../stack/wire/ipv6.ts';
import * as ndp from '../../../stack/wire/ndp.ts';
import { FakeDevice, pattern, TestHost } from '../ip/support.ts';
import { address6, EXPERIMENT, HERE6, open6, THERE6 } from '../ip/support6.ts';

export function mac(text: string): MacAddress {
  const parsed = parseMac(text);
  if (parsed === undefined) throw new Error(`no MAC address: ${text}`);
  return parsed;
}

export const OURS: MacAddress = mac('02:00:00:00:00:01');
export const THEIRS: MacAddress = mac('02:00:00:00:00:02');
export const OTHER: MacAddress = mac('02:00:00:00:00:03');
export const LINK_LOCAL: IPv6Address = address6('fe80::1');
export const ANY: IPv6Address = address6('::');
export const ALL_NODES: IPv6Address = address6('ff02::1');
export const OUR_GROUP: IPv6Address = address6('ff02::1:ff00:1');
export const THEIR_GROUP: IPv6Address = address6('ff02::1:ff00:2');

export function framed(packet: PacketBuffer, destination: MacAddress = OURS): PacketBuffer {
  ethernet.emit({ destination, source: THEIRS, etherType: 0x86dd }, packet);
  return packet;
}

export interface Sent {
  readonly header: ipv6.IPv6Header;
  readonly frame: ethernet.EthernetHeader;
  readonly message: ndp.NeighbourMessage | undefined;
  readonly type: number;
}

export function openFrame(frame: PacketBuffer): Sent {
  const link = ethernet.parse(frame);
  if (typeof link === 'string') throw new Error(link);
  const inner = new PacketBuffer(frame.bytes, frame.view, frame.head + 14, frame.tail);
  const { header, payload } = open6(inner);
  if (header.nextHeader !== 58) return { header, frame: link, message: undefined, type: -1 };
  const parsed = icmpv6.parse(payload, header.source, header.destination);
  if (typeof parsed === 'string') throw new Error(parsed);
  if (parsed.message.type !== 'other') return { header, frame: link, message: undefined, type: -1 };
  const message = ndp.parse(parsed.message, payload, parsed.bodyAt);
  const type = parsed.message.typeNumber;
  return { header, frame: link, message: typeof message === 'string' ? undefined : message, type };
}

export interface Around {
  readonly source?: IPv6Address;
  readonly destination?: IPv6Address;
  readonly hopLimit?: number;
}

export function messageOf(message: ndp.NeighbourMessage, around: Around = {}): PacketBuffer {
  const { source = THERE6, destination = HERE6, hopLimit = 255 } = around;
  const packet = PacketBuffer.allocate(200, 200);
  icmpv6.emit(ndp.emitBody(message, packet), packet, source, destination);
  ipv6.emit({ source, destination, trafficClass: 0, flowLabel: 0, nextHeader: 58, hopLimit }, packet);
  return framed(packet);
}

export function solicitation(
  around: Around = {},
  target: IPv6Address = HERE6,
  from: MacAddress | undefined = THEIRS,
): PacketBuffer {
  return messageOf({ type: 'solicitation', target, mac: from }, around);
}

export function advertisement(
  flags: { solicited?: boolean; override?: boolean; router?: boolean } = {},
  from: MacAddress | undefined = THEIRS,
  around: Around = {},
  target: IPv6Address = THERE6,
): PacketBuffer {
  const { solicited = true, override = true, router = false } = flags;
  return messageOf({ type: 'advertisement', target, mac: from, solicited, override, router }, around);
}

export interface Made {
  readonly host: TestHost;
  readonly cache: Neighbours6;
}

/** A host on Ethernet whose addresses are in use at once, unless `detect`. */
export function setUp(changes: SettingsChanges['ip'] = {}, detect: boolean = false): Made {
  const ip = detect ? changes : { dupAddrDetectTransmits: 0, ...changes };
  const host = new TestHost({
    device: new FakeDevice('ethernet'),
    cidrs: ['2001:db8::1/64', 'fe80::1/64'],
    changes: { ip },
    mac: OURS,
  });
  if (!detect) host.turn();
  const cache = host.interface.ndp?.neighbours;
  if (cache === undefined) throw new Error('no neighbour discovery');
  return { host, cache };
}

export function send(host: TestHost, destination: IPv6Address = THERE6, size: number = 8): PacketBuffer[] {
  const route = host.ip.routes.find(destination);
  const packet = route?.interface.allocate(size);
  if (route === undefined || packet === undefined) throw new Error('no route');
  packet.bytes.set(pattern(size), packet.head);
  packet.tail += size;
  host.ip.send(packet, { source: HERE6, destination, protocol: EXPERIMENT }, route);
  return host.turn();
}

/** A host that knows THERE6, in state REACHABLE. */
export function acquainted(changes: SettingsChanges['ip'] = {}): Made {
  const made = setUp(changes);
  send(made.host);
  made.host.turn(advertisement());
  expect(made.cache.stateOf(THERE6)).toBe('REACHABLE');
  return made;
}
