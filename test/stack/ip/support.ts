/** What the tests of IP and its neighbours share: a context on virtual time, a device that only records, packets by hand. */
import { noCounts } from '../../../stack/counters.ts';
import { Memory } from '../../../stack/memory.ts';
import { PacketBuffer } from '../../../stack/bytes/packet-buffer.ts';
import type { HostContext } from '../../../stack/context.ts';
import type { DropReason } from '../../../stack/drop-reasons.ts';
import { Ip } from '../../../stack/ip/ip.ts';
import { type Device, type DeviceReceiver, NO_OFFLOADS } from '../../../stack/link/device.ts';
import type { Interface } from '../../../stack/link/interface.ts';
import { type SettingsChanges, settings } from '../../../stack/settings.ts';
import { type Duration, type Instant, seconds } from '../../../stack/time.ts';
import type { TraceEvent } from '../../../stack/trace.ts';
import { type IPv4Address, type MacAddress, parseCidr, parseIPv4 } from '../../../stack/wire/address.ts';
import * as icmp from '../../../stack/wire/icmp.ts';
import * as ipv4 from '../../../stack/wire/ipv4.ts';

export function address(text: string): IPv4Address {
  const parsed = parseIPv4(text);
  if (parsed === undefined) throw new Error(`no address: ${text}`);
  return parsed;
}

/** Records copies of what it is given; refuses beyond `room`. */
export class FakeDevice implements Device {
  readonly name: string = 'fake0';
  readonly medium: 'ip' | 'ethernet';
  readonly mtu: number;
  readonly offloads: typeof NO_OFFLOADS = NO_OFFLOADS;
  readonly headroom: number = 12;
  readonly receiveQueue: undefined = undefined;
  onWritable: (() => void) | undefined = undefined;
  receiver: DeviceReceiver | undefined;
  sent: PacketBuffer[] = [];
  room: number = Number.POSITIVE_INFINITY;

  constructor(medium: 'ip' | 'ethernet' = 'ip', mtu: number = 1500) {
    this.medium = medium;
    this.mtu = mtu;
  }

  attach(receiver: DeviceReceiver): void {
    this.receiver = receiver;
  }

  transmit(frames: readonly PacketBuffer[]): number {
    let taken = 0;
    for (const frame of frames) {
      if (this.sent.length >= this.room) break;
      const copy = PacketBuffer.copyOf(frame.contents());
      copy.segmentSize = frame.segmentSize;
      this.sent.push(copy);
      frame.push(this.headroom); // there has to be room
      taken += 1;
    }
    return taken;
  }

  hold(): void {}
  close(): void {}

  /** What was sent since the last call. */
  take(): PacketBuffer[] {
    return this.sent.splice(0);
  }
}

/** A context whose time the test sets, and the trace so far. */
export type TestContext = { -readonly [Field in keyof HostContext]: HostContext[Field] } & {
  readonly events: TraceEvent[];
};

export function makeContext(changes: SettingsChanges = {}): TestContext {
  let state = 12345;
  const events: TraceEvent[] = [];
  return {
    name: 'host',
    settings: settings(changes),
    counters: noCounts(),
    drops: new Map(),
    memory: new Memory(settings(changes).tcp.maxMemory),
    random: {
      u32: () => {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        return state;
      },
    },
    now: 0 as Instant,
    tracer: (event) => events.push(event),
    events,
  };
}

export const HERE: IPv4Address = address('10.0.0.1');
export const THERE: IPv4Address = address('10.0.0.2');

/** A host with one interface, 10.0.0.1/24 unless said otherwise. */
export class TestHost {
  readonly context: TestContext;
  readonly ip: Ip;
  readonly device: FakeDevice;
  readonly interface: Interface;

  constructor(
    options: {
      device?: FakeDevice;
      cidrs?: readonly string[];
      changes?: SettingsChanges;
      mac?: MacAddress;
    } = {},
  ) {
    this.context = makeContext(options.changes);
    this.ip = new Ip(this.context);
    this.device = options.device ?? new FakeDevice();
    this.interface = this.attach(this.device, options.cidrs ?? ['10.0.0.1/24'], options.mac);
  }

  attach(device: FakeDevice, cidrs: readonly string[], mac?: MacAddress): Interface {
    const addresses = cidrs.flatMap((text) => parseCidr(text) ?? []);
    return this.ip.addInterface(device, addresses, mac === undefined ? {} : { mac });
  }

  /** One turn: the packets arrive, everything due is done; returns what left. */
  turn(...packets: PacketBuffer[]): PacketBuffer[] {
    return this.turnOn(this.interface, ...packets);
  }

  turnOn(by: Interface, ...packets: PacketBuffer[]): PacketBuffer[] {
    by.framesArrived(packets);
    while (this.ip.deliverLoopback());
    this.ip.flush();
    return (by.device as FakeDevice).take();
  }

  /** Lets time pass, and does what is due then. */
  pass(by: Duration): PacketBuffer[] {
    this.context.now = (this.context.now + by) as Instant;
    this.ip.advance();
    return this.turn();
  }

  drops(): DropReason[] {
    return this.context.events.splice(0).flatMap((event) => (event.type === 'drop' ? [event.reason] : []));
  }
}

export interface Headers extends Partial<ipv4.IPv4HeaderToEmit> {}

/** An IPv4 packet from THERE to HERE, protocol 253 (for experiments), unless said otherwise. */
export function packetOf(payload: Uint8Array, header: Headers = {}): PacketBuffer {
  const packet = PacketBuffer.copyOf(payload, 100);
  ipv4.emit(
    {
      source: THERE,
      destination: HERE,
      protocol: 253,
      ttl: 64,
      tos: 0,
      identification: 7,
      dontFragment: false,
      moreFragments: false,
      fragmentOffset: 0,
      ...header,
    },
    packet,
  );
  return packet;
}

export function icmpOf(message: icmp.IcmpMessage, body: Uint8Array, header: Headers = {}): PacketBuffer {
  const packet = PacketBuffer.copyOf(body, 8);
  icmp.emit(message, packet);
  return packetOf(packet.contents(), { protocol: 1, ...header });
}

export function echoRequest(payload: Uint8Array, header: Headers = {}): PacketBuffer {
  return icmpOf({ type: 'echo-request', identifier: 1, sequenceNumber: 2 }, payload, header);
}

/** A packet cut as `cuts` say: payload offsets (multiples of 8) where a new fragment begins. */
export function fragmentsOf(
  payload: Uint8Array,
  cuts: readonly number[],
  header: Headers = {},
): PacketBuffer[] {
  const begins = [0, ...cuts];
  return begins.map((begin, i) => {
    const end = begins[i + 1] ?? payload.length;
    return packetOf(payload.slice(begin, end), {
      ...header,
      moreFragments: end < payload.length,
      fragmentOffset: begin,
    });
  });
}

/** `length` bytes that differ from their neighbours. */
export function pattern(length: number, seed: number = 1): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 31 + (i >>> 8) * 7 + seed) & 0xff);
}

/** The header and payload of an IPv4 packet; throws if it is none. */
export function open(packet: PacketBuffer | undefined): { header: ipv4.IPv4Header; payload: PacketBuffer } {
  if (packet === undefined) throw new Error('no packet');
  const header = ipv4.parse(packet);
  if (typeof header === 'string') throw new Error(header);
  const end = packet.head + header.totalLength;
  return {
    header,
    payload: new PacketBuffer(packet.bytes, packet.view, packet.head + header.headerLength, end),
  };
}

/** The ICMP message in an IPv4 packet, and its body; throws if it is none. */
export function openIcmp(packet: PacketBuffer | undefined): { message: icmp.IcmpMessage; body: Uint8Array } {
  const { payload } = open(packet);
  const parsed = icmp.parse(payload);
  if (typeof parsed === 'string') throw new Error(parsed);
  return {
    message: parsed.message,
    body: payload.bytes.slice(parsed.bodyAt, parsed.bodyAt + parsed.bodyLength),
  };
}

export const SECOND: Duration = seconds(1);
