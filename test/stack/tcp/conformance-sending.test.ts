/** What RFC 9293 asks of the sending side and no other test shows. */
import { describe, expect, it } from 'vitest';
import { wire } from '../../../device/wire.ts';
import { seededRandom } from '../../../sim/random.ts';
import { VirtualClock } from '../../../sim/virtual-clock.ts';
import { Host } from '../../../stack/host.ts';
import { settings } from '../../../stack/settings.ts';
import { after, ms } from '../../../stack/time.ts';
import { type IPv4Address, ipv4 } from '../../../stack/wire/address.ts';
import * as ip from '../../../stack/wire/ipv4.ts';
import { established } from './harness.ts';

const data = (at: number, length: number, control: string = 'ACK'): string =>
  `<SEQ=${at}><ACK=1><CTL=${control}><DATA=${length}>`;

describe('what the program writes', () => {
  it('leaves without a PUSH: at once, with the next ACK, or when the override timer goes off [RFC 9293 MUST-60]', () => {
    const bench = established({}, '<MSS=1000><WND=4000>').write(10).sends(data(1, 10)); // at once
    bench.write(10).sends().arrives('<SEQ=1><ACK=11><CTL=ACK><WND=4000>').sends(data(11, 10)); // with the ACK
    bench.arrives('<SEQ=1><ACK=21><CTL=ACK><WND=900>').write(1_000).sends();
    bench.wait(200).sends(data(21, 900)); // half of the largest window is not free, and nothing is out
  });

  it('in many small pieces is gathered into full segments, with PSH on the last alone [RFC 9293 MAY-16, SHLD-27, SHLD-28]', () => {
    const bench = established({}, '<MSS=1000>').write(10).ignore();
    for (let piece = 0; piece < 30; piece++) bench.write(70);
    bench.sends(data(11, 1_000), data(1_011, 1_000)); // as soon as a segment is full
    bench.arrives('<SEQ=1><ACK=2011><CTL=ACK>').sends(data(2_011, 100, 'PSH,ACK'));
  });
});

describe('the window of a peer', () => {
  it.each([0x7fff, 0x8000, 0xffff])('of %d bytes is a positive number [RFC 9293 MUST-1]', (window) => {
    const bench = established({}, `<MSS=1460><WND=${window}>`);
    expect(bench.info('snd.wnd')).toBe(window);
    bench.write(1_460).sends(data(1, 1_460));
  });

  it('takes more than 16 bits: 65,535 with a shift of 14 is nearly 2^30 [RFC 9293 REC-1]', () => {
    const bench = established({ tcp: { windowScaling: true } }, '<MSS=1460><WS=14>');
    bench.arrives('<SEQ=1><ACK=1><CTL=ACK><WND=65535>').write(1_460).sends(data(1, 1_460));
    expect([bench.info('snd.wnd'), bench.info('max.snd.wnd')]).toEqual([65_535 * 2 ** 14, 65_535 * 2 ** 14]);
  });
});

describe('the IP header of segments', () => {
  const OURS = [ipv4(10, 0, 0, 1), ipv4(10, 0, 0, 7)] as const;
  const PEER = ipv4(10, 0, 0, 2);

  /** Two hosts; the headers that the one with two addresses sends. */
  function headersOf(tcp: { readonly ttl: number; readonly from?: IPv4Address }): ip.IPv4Header[] {
    const clock = new VirtualClock();
    const seen: ip.IPv4Header[] = [];
    const [device, other] = wire(clock, {});
    const make = (name: string, ttl: number): Host =>
      new Host({
        name,
        scheduler: clock,
        random: seededRandom(1, name),
        settings: settings({ ip: { ttl } }),
        tracer: (event) => {
          if (name !== 'ours' || event.type !== 'frame' || event.direction !== 'out') return;
          const view = new DataView(event.bytes.buffer, event.bytes.byteOffset);
          seen.push({
            ttl: view.getUint8(event.head + 8),
            source: view.getUint32(event.head + 12),
          } as ip.IPv4Header);
        },
      });
    const ours = make('ours', tcp.ttl);
    const peer = make('peer', 64);
    ours.addInterface(
      device,
      OURS.map((address) => ({ address, prefixLength: 24 })),
    );
    peer.addInterface(other, [{ address: PEER, prefixLength: 24 }]);
    const nobody = { connectionEvent: () => {} };
    const listener = peer.tcp.listen({ port: 80 }, { connectionReady: () => listener.accept(nobody) });
    const local = tcp.from === undefined ? {} : { local: { address: tcp.from } };
    const connection = ours.tcp.connect({ remote: { address: PEER, port: 80 }, ...local }, nobody);
    clock.run(after(clock.now(), ms(50)));
    connection.send(new Uint8Array(3_000));
    connection.shutdown();
    clock.run(after(clock.now(), ms(50)));
    expect(seen.length).toBeGreaterThan(4);
    return seen;
  }

  it.each([1, 17, 255])('has the time to live of the settings: %d [RFC 9293 MUST-49]', (ttl) => {
    expect(new Set(headersOf({ ttl }).map((header) => header.ttl))).toEqual(new Set([ttl]));
  });

  it.each(OURS)(
    'has the local address that OPEN named in every segment: %d [RFC 9293 MUST-43, MUST-45]',
    (from) => {
      expect(new Set(headersOf({ ttl: 64, from }).map(({ source }) => source))).toEqual(new Set([from]));
    },
  );
});
