import { describe, expect, it } from 'vitest';
import { PacketBuffer } from '../../../stack/bytes/packet-buffer.ts';
import { ms, seconds } from '../../../stack/time.ts';
import * as icmpv6 from '../../../stack/wire/icmpv6.ts';
import * as ndp from '../../../stack/wire/ndp.ts';
import { address6, EXPERIMENT, fragmentOf, HERE6, packet6, THERE6 } from '../ip/support6.ts';
import {
  mac,
  OURS,
  THEIRS,
  OTHER,
  ANY,
  ALL_NODES,
  OUR_GROUP,
  THEIR_GROUP,
  framed,
  openFrame,
  messageOf,
  solicitation,
  advertisement,
  setUp,
  send,
  acquainted,
} from './ndp-support.ts';

describe('address resolution', () => {
  it('asks the solicited-node group, holds the packet, and sends it to who answers [RFC 4861 7.2.2]', () => {
    const { host, cache } = setUp();
    const [question, ...more] = send(host).map(openFrame);
    expect(more).toEqual([]);
    expect(question).toMatchObject({
      frame: { destination: mac('33:33:ff:00:00:02'), source: OURS, etherType: 0x86dd },
      header: { source: HERE6, destination: THEIR_GROUP, hopLimit: 255 },
      message: { type: 'solicitation', target: THERE6, mac: OURS },
    });
    expect(cache.stateOf(THERE6)).toBe('INCOMPLETE');
    const [held] = host.turn(advertisement()).map(openFrame);
    expect(held).toMatchObject({ frame: { destination: THEIRS }, header: { destination: THERE6 } });
    expect(send(host).map(openFrame)[0]?.frame.destination).toBe(THEIRS);
  });

  it('asks three times a second apart; then the packet is lost and its transport is told [RFC 4861 7.2.2]', () => {
    const { host, cache } = setUp();
    const errors: string[] = [];
    host.ip.register(EXPERIMENT, { packetArrived: () => {}, icmpError: (kind) => errors.push(kind) });
    expect(send(host)).toHaveLength(1);
    expect(host.pass(seconds(1))).toHaveLength(1);
    expect(host.pass(seconds(1))).toHaveLength(1);
    expect(host.pass(seconds(1))).toHaveLength(0);
    expect(errors).toEqual(['host-unreachable']);
    expect(host.drops()).toEqual(['NEIGH_FAILED']);
    expect(cache.size).toBe(0);
    expect(host.ip.nextDeadline()).toBe(Number.POSITIVE_INFINITY);
  });

  it('holds so many packets for one neighbour, the latest [RFC 4861 7.2.2]', () => {
    const { host } = setUp({ neighbourQueue: 2 });
    for (const size of [8, 16, 24]) send(host, THERE6, size);
    const held = host.turn(advertisement()).map((frame) => frame.length - 54);
    expect(held).toEqual([16, 24]);
    expect(host.drops()).toEqual(['NEIGH_QUEUEFULL']);
  });

  it('sends to groups without asking, in a frame to 33:33 and the last 32 bits [RFC 2464 7]', () => {
    const { host } = setUp();
    const [frame] = send(host, address6('ff02::1:3')).map(openFrame);
    expect(frame?.frame.destination).toBe(mac('33:33:00:01:00:03'));
  });
});

describe('neighbour solicitations', () => {
  it('are answered to who asks, who becomes known [RFC 4861 7.2.3, 7.2.4]', () => {
    const { host, cache } = setUp();
    const [answer] = host.turn(solicitation({ destination: OUR_GROUP })).map(openFrame);
    expect(answer).toMatchObject({
      frame: { destination: THEIRS },
      header: { source: HERE6, destination: THERE6, hopLimit: 255 },
      message: {
        type: 'advertisement',
        target: HERE6,
        mac: OURS,
        solicited: true,
        override: true,
        router: false,
      },
    });
    expect(cache.stateOf(THERE6)).toBe('DELAY'); // STALE, and the answer was sent by it
  });

  it('of somebody who detects duplicates are answered to all nodes [RFC 4861 7.2.4]', () => {
    const { host, cache } = setUp();
    const probe = messageOf(
      { type: 'solicitation', target: HERE6, mac: undefined },
      { source: ANY, destination: OUR_GROUP },
    );
    const [answer] = host.turn(probe).map(openFrame);
    expect(answer).toMatchObject({
      frame: { destination: mac('33:33:00:00:00:01') },
      header: { destination: ALL_NODES },
      message: { type: 'advertisement', solicited: false, override: true },
    });
    expect(cache.size).toBe(0);
  });

  it.each([
    ['a hop limit below 255', () => solicitation({ hopLimit: 254 }), 'IPV6_NDISC_HOP_LIMIT'],
    ['a target that is a group', () => solicitation({}, ALL_NODES), 'INVALID_PROTO'],
    [
      'another target than us',
      () => solicitation({ destination: OUR_GROUP }, address6('2001:db8::ff00:1')),
      'OTHERHOST',
    ],
    [
      'no source, but its Ethernet address',
      () => solicitation({ source: ANY, destination: OUR_GROUP }),
      'INVALID_PROTO',
    ],
    [
      'no source, to us alone',
      () => messageOf({ type: 'solicitation', target: HERE6, mac: undefined }, { source: ANY }),
      'INVALID_PROTO',
    ],
  ])('with %s are dropped [RFC 4861 7.1.1]', (_, packet, reason) => {
    const { host, cache } = setUp();
    expect(host.turn(packet())).toEqual([]);
    expect(host.drops()).toEqual([reason]);
    expect(cache.size).toBe(0);
  });

  it('with an option without length are dropped [RFC 4861 4.6], and so are those in fragments [RFC 6980 5]', () => {
    const { host } = setUp();
    const body = PacketBuffer.copyOf(new Uint8Array(8), 100);
    const header = ndp.emitBody({ type: 'solicitation', target: HERE6, mac: undefined }, body);
    icmpv6.emit(header, body, THERE6, HERE6);
    host.turn(framed(packet6(body.contents(), { nextHeader: 58, hopLimit: 255 })));
    expect(host.drops()).toEqual(['IPV6_NDISC_BAD_OPTIONS']);
    const whole = PacketBuffer.allocate(100, 100);
    icmpv6.emit(
      ndp.emitBody({ type: 'solicitation', target: HERE6, mac: THEIRS }, whole),
      whole,
      THERE6,
      HERE6,
    );
    const options = { protocol: 58, header: { hopLimit: 255 } };
    expect(host.turn(framed(fragmentOf(whole.contents(), 0, false, options)))).toEqual([]);
    expect(host.drops()).toEqual(['IPV6_BAD_EXTHDR']);
  });
});

describe('neighbour unreachability detection', () => {
  it('REACHABLE becomes STALE; the next packet waits 5 s for a hint, then probes by unicast [RFC 4861 7.3.3]', () => {
    const { host, cache } = acquainted();
    host.pass(seconds(45));
    expect(cache.stateOf(THERE6)).toBe('STALE');
    expect(host.ip.nextDeadline()).toBe(Number.POSITIVE_INFINITY); // nobody sends: nothing is done
    expect(send(host).map(openFrame)[0]?.frame.destination).toBe(THEIRS);
    expect(cache.stateOf(THERE6)).toBe('DELAY');
    const [probe] = host.pass(seconds(5)).map(openFrame);
    expect(cache.stateOf(THERE6)).toBe('PROBE');
    expect(probe).toMatchObject({
      frame: { destination: THEIRS },
      header: { destination: THERE6 },
      message: { type: 'solicitation', target: THERE6 },
    });
    host.turn(advertisement());
    expect(cache.stateOf(THERE6)).toBe('REACHABLE');
  });

  it('forgets who answers none of three probes [RFC 4861 7.3.3]', () => {
    const { host, cache } = acquainted();
    host.pass(seconds(45));
    send(host);
    expect(host.pass(seconds(5))).toHaveLength(1);
    expect(host.pass(seconds(1))).toHaveLength(1);
    expect(host.pass(seconds(1))).toHaveLength(1);
    expect(host.pass(seconds(1))).toHaveLength(0);
    expect(cache.stateOf(THERE6)).toBeUndefined();
  });

  it('takes hints from above: that packets arrive, and that they do not [RFC 4861 7.3.1; RFC 1122 3.3.1.4]', () => {
    const { host, cache } = acquainted();
    host.pass(seconds(45));
    send(host);
    cache.confirm(THERE6);
    expect(cache.stateOf(THERE6)).toBe('REACHABLE');
    host.interface.doubt(THERE6);
    expect(host.pass(ms(1)).map(openFrame)[0]?.message).toMatchObject({ type: 'solicitation' });
    expect(cache.stateOf(THERE6)).toBe('PROBE');
  });

  it('is REACHABLE for 15 to 45 s, drawn anew [RFC 4861 6.3.2]', () => {
    for (let i = 0; i < 20; i++) {
      const { host, cache } = acquainted();
      host.pass((seconds(15) - 1) as ReturnType<typeof seconds>);
      expect(cache.stateOf(THERE6)).toBe('REACHABLE');
      host.pass(seconds(31));
      expect(cache.stateOf(THERE6)).toBe('STALE');
    }
  });

  // The table of RFC 4861 appendix C for advertisements, from REACHABLE: flags, address, state and address afterwards.
  it.each([
    [{ solicited: true, override: false }, THEIRS, 'REACHABLE', THEIRS],
    [{ solicited: true, override: false }, OTHER, 'STALE', THEIRS],
    [{ solicited: true, override: true }, OTHER, 'REACHABLE', OTHER],
    [{ solicited: false, override: false }, THEIRS, 'REACHABLE', THEIRS],
    [{ solicited: false, override: true }, THEIRS, 'REACHABLE', THEIRS],
    [{ solicited: false, override: true }, OTHER, 'STALE', OTHER],
    [{ solicited: false, override: false }, OTHER, 'STALE', THEIRS],
    [{ solicited: true, override: true }, undefined, 'REACHABLE', THEIRS],
  ] as const)('an advertisement %j from %s leaves it %s [RFC 4861 7.2.5]', (flags, from, state, address) => {
    const { host, cache } = acquainted();
    host.turn(messageOf({ type: 'advertisement', target: THERE6, mac: from, router: false, ...flags }));
    expect(cache.stateOf(THERE6)).toBe(state);
    expect(cache.resolve(THERE6)).toBe(address);
  });

  it('a solicitation from another Ethernet address makes it STALE with that one [RFC 4861 7.2.3]', () => {
    const { host, cache } = acquainted();
    host.turn(solicitation({}, HERE6, OTHER));
    expect(cache.stateOf(THERE6)).toBe('DELAY'); // STALE, and the answer was sent by it
    expect(cache.resolve(THERE6)).toBe(OTHER);
  });

  it('knows who said that it is a router', () => {
    const { host, cache } = acquainted();
    expect(cache.isRouter(THERE6)).toBe(false);
    host.turn(advertisement({ router: true }));
    expect(cache.isRouter(THERE6)).toBe(true);
  });
});

describe('B9 attacks on the neighbour cache', () => {
  it('B9 advertisements that nobody asked for fill nothing [RFC 4861 7.2.5]', () => {
    const { host, cache } = setUp();
    for (let i = 0; i < 10_000; i++)
      host.turn(
        advertisement({ solicited: i % 2 === 0 }, THEIRS, {}, address6(`2001:db8::${i.toString(16)}:9`)),
      );
    expect(cache.size).toBe(0);
  });

  it('B9 100,000 solicitations from as many neighbours fill it to its bound, and who is in use stays', () => {
    const { host, cache } = acquainted({ neighbours: 256 });
    for (let i = 0; i < 100_000; i++) {
      if (i % 100 === 0) send(host); // the control: we go on sending to THERE6
      cache.heard(address6(`fe80::${(i >>> 16).toString(16)}:${(i & 0xffff).toString(16)}:9`), OTHER);
    }
    expect(cache.size).toBe(256);
    expect(cache.resolve(THERE6)).toBe(THEIRS);
  });

  it('B9 a static entry is neither overwritten nor evicted', () => {
    const { host, cache } = setUp();
    cache.addStatic(THERE6, THEIRS);
    host.turn(advertisement({}, OTHER), solicitation({}, HERE6, OTHER));
    expect(cache.resolve(THERE6)).toBe(THEIRS);
  });

  it('B9 an Ethernet group is nobody’s address', () => {
    const { host, cache } = setUp();
    host.turn(solicitation({}, HERE6, mac('33:33:00:00:00:01')));
    expect(cache.stateOf(THERE6)).toBe('INCOMPLETE'); // asked for, to answer it
    send(host);
    host.turn(advertisement({}, mac('ff:ff:ff:ff:ff:ff')));
    expect(cache.resolve(THERE6)).toBeUndefined();
  });
});
