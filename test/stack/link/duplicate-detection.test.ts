import { describe, expect, it } from 'vitest';
import { PacketBuffer } from '../../../stack/bytes/packet-buffer.ts';
import { ms, seconds } from '../../../stack/time.ts';
import * as icmpv6 from '../../../stack/wire/icmpv6.ts';
import { FakeDevice, pattern, TestHost } from '../ip/support.ts';
import { address6, HERE6, packet6 } from '../ip/support6.ts';
import {
  mac,
  OURS,
  THEIRS,
  LINK_LOCAL,
  ANY,
  ALL_NODES,
  OUR_GROUP,
  framed,
  openFrame,
  messageOf,
  solicitation,
  advertisement,
  setUp,
} from './ndp-support.ts';

const LINK_LOCAL_THERE = address6('fe80::2');

describe('duplicate address detection', () => {
  const states = (host: TestHost): string[] => host.interface.addresses.map(({ state }) => state);

  it('asks once from the unspecified address, within a second, and waits another one [RFC 4862 5.4.2]', () => {
    const { host } = setUp({}, true);
    host.turn();
    expect(states(host)).toEqual(['tentative', 'tentative']);
    const probes = host.pass(seconds(1)).map(openFrame);
    expect(probes.map(({ message }) => message?.target)).toEqual([HERE6, LINK_LOCAL]);
    expect(probes[0]).toMatchObject({
      header: { source: ANY, destination: OUR_GROUP, hopLimit: 255 },
      message: { type: 'solicitation', mac: undefined },
    });
    host.pass(seconds(1));
    expect(states(host)).toEqual(['preferred', 'preferred']);
    expect(host.ip.nextDeadline()).toBe(Number.POSITIVE_INFINITY);
  });

  it('neither answers for a tentative address nor takes packets to it [RFC 4862 5.4]', () => {
    const { host } = setUp({}, true);
    host.turn();
    expect(host.turn(solicitation({ destination: OUR_GROUP }))).toEqual([]);
    host.turn(framed(packet6(pattern(8))));
    expect(host.drops()).toEqual(['OTHERHOST']);
    expect(states(host)).toEqual(['tentative', 'tentative']);
  });

  it.each([
    [
      'somebody who has it answers',
      () => advertisement({ solicited: false }, THEIRS, { destination: ALL_NODES }, HERE6),
    ],
    [
      'somebody else asks for it at the same time',
      () =>
        messageOf(
          { type: 'solicitation', target: HERE6, mac: undefined },
          { source: ANY, destination: OUR_GROUP },
        ),
    ],
  ])('finds a duplicate when %s; the address is never used [RFC 4862 5.4.3, 5.4.4, 5.4.5]', (_, packet) => {
    const { host } = setUp({}, true);
    host.turn(packet());
    host.pass(seconds(1));
    host.pass(seconds(1));
    expect(states(host)).toEqual(['duplicated', 'preferred']);
    expect(host.ip.isLocal(HERE6)).toBe(false);
  });

  it('asks as often as is set, not at all for 0, and not for addresses given as preferred', () => {
    const { host } = setUp({ dupAddrDetectTransmits: 3, dadDelay: ms(0) }, true);
    const sent = [host.pass(ms(0)), host.pass(seconds(1)), host.pass(seconds(1)), host.pass(seconds(1))];
    expect(sent.map((frames) => frames.map(openFrame).filter(({ message }) => message).length)).toEqual([
      2, 2, 2, 0,
    ]);
    expect(states(host)).toEqual(['preferred', 'preferred']);
    host.interface.addAddress({ address: address6('2001:db8::9'), prefixLength: 64, state: 'preferred' });
    expect(host.interface.isLocal(address6('2001:db8::9'))).toBe(true);
  });

  it('tells that somebody uses an address of ours, and keeps it [RFC 4862 5.4.4]', () => {
    const { host } = setUp();
    host.turn(advertisement({ solicited: false }, THEIRS, { destination: ALL_NODES }, HERE6));
    expect(host.interface.isLocal(HERE6)).toBe(true);
    const notes = host.context.events.flatMap((event) => (event.type === 'note' ? [event.text] : []));
    expect(notes).toEqual(['somebody else uses our address 2001:db8::1']);
  });
});

describe('the link-local address', () => {
  function fresh(options: { identifiers?: 'stable' | 'eui64'; secret?: number } = {}) {
    const host = new TestHost({ device: new FakeDevice('ethernet'), cidrs: [] });
    const device = new FakeDevice('ethernet');
    const { identifiers = 'stable', secret } = options;
    const stableSecret = secret === undefined ? {} : { stableSecret: new Uint8Array(16).fill(secret) };
    const own = host.ip.addInterface(device, [], { mac: OURS, ipv6: true, identifiers, ...stableSecret });
    return { host, own, text: String(own.addresses[0]?.address) };
  }

  it('is made without being asked for as soon as there is IPv6, and not on a host without [RFC 4862 5.3]', () => {
    const { host, own } = fresh();
    expect(own.addresses.map(({ prefixLength, state }) => [prefixLength, state])).toEqual([
      [64, 'tentative'],
    ]);
    expect(host.interface.addresses).toEqual([]);
    host.interface.addAddress({ address: HERE6, prefixLength: 64 });
    expect(host.interface.addresses).toHaveLength(2);
    host.interface.enableIpv6();
    expect(host.interface.addresses).toHaveLength(2);
  });

  it('is the same for one secret and another for another, and does not show the Ethernet address [RFC 7217 5]', () => {
    expect(fresh({ secret: 1 }).text).toBe(fresh({ secret: 1 }).text);
    expect(fresh({ secret: 1 }).text).not.toBe(fresh({ secret: 2 }).text);
    expect(fresh({ secret: 1 }).text).toMatch(/^fe80::/);
    expect(fresh({ secret: 1 }).text).not.toMatch(/ff:fe/);
    const { own } = fresh({ secret: 1 });
    const [one, other] = [address6('2001:db8:1::'), address6('2001:db8:2::')].map((prefix) =>
      own.ndp?.addressUnder(prefix),
    );
    expect(String(one)).toMatch(/^2001:db8:1:0:/);
    expect([one?.c, one?.d]).not.toEqual([other?.c, other?.d]);
  });

  it('shows the Ethernet address if that is asked for [RFC 4291 appendix A]', () => {
    expect(fresh({ identifiers: 'eui64' }).text).toBe('fe80::ff:fe00:1');
  });

  it('is replaced by another one if it is taken, three times at most [RFC 7217 6]', () => {
    const { host, own } = fresh();
    const seen = new Set<string>();
    for (let i = 0; i < 6; i++) {
      const { address, state } = own.addresses[0] ?? {};
      if (address === undefined || typeof address === 'number' || state !== 'tentative') break;
      seen.add(String(address));
      host.turnOn(own, advertisement({ solicited: false }, THEIRS, { destination: ALL_NODES }, address));
    }
    expect(seen.size).toBe(4);
    expect(own.addresses.map(({ state }) => state)).toEqual(['duplicated']);
  });
});

describe('multicast listener reports', () => {
  it('name the group of each new address, and are sent again to who asks [RFC 3810 6.1, 6.2]', () => {
    const { host } = setUp();
    host.interface.addAddress({ address: address6('2001:db8::9:8'), prefixLength: 64 });
    const reports = host.turn();
    expect(reports).toHaveLength(1);
    const [report] = reports;
    if (report === undefined) throw new Error('no report');
    expect([...report.contents().slice(14 + 40, 14 + 48)]).toEqual([58, 0, 5, 2, 0, 0, 1, 0]);
    expect(report.view.getUint8(report.head + 14 + 48)).toBe(143);
    expect(report.view.getUint8(report.head + 14 + 7)).toBe(1); // the hop limit
    const query = PacketBuffer.copyOf(new Uint8Array(20), 8);
    icmpv6.emit(
      { type: 'other', typeNumber: 130, code: 0, rest: 1_000 * 0x1_0000 },
      query,
      LINK_LOCAL_THERE,
      ALL_NODES,
    );
    const asked = { source: LINK_LOCAL_THERE, destination: ALL_NODES, hopLimit: 1, nextHeader: 58 };
    expect(host.turn(framed(packet6(query.contents(), asked), mac('33:33:00:00:00:01')))).toEqual([]);
    const [answer] = host.pass(seconds(1));
    // Three addresses, two of them in one group.
    expect(answer?.view.getUint16((answer?.head ?? 0) + 14 + 48 + 6)).toBe(2);
    expect(host.pass(seconds(10))).toEqual([]);
  });
});
