/** What RFC 9293 asks of TCP towards IP and ICMP and no other test shows. */
import { expect, it } from 'vitest';
import { type IPv4Address, ipv4 } from '../../../stack/wire/address.ts';
import type { IcmpMessage } from '../../../stack/wire/icmp.ts';
import { icmpOf, packetOf } from '../ip/support.ts';
import { Bench } from './harness.ts';
import { HOST, PEER } from './words.ts';

/** What the words `SRC=` and `DST=` count from is the last octet of 10.0.0.x; with this they mean any address. */
const offset = (address: IPv4Address): number => address - ipv4(10, 0, 0, 0);

it.each([
  ['all', ipv4(255, 255, 255, 255)],
  ['all of the subnet', ipv4(10, 0, 0, 255)],
  ['all hosts of the link', ipv4(224, 0, 0, 1)],
  ['a group', ipv4(239, 1, 2, 3)],
])('a SYN to %s is dropped in silence [RFC 9293 MUST-57]', (_, address) => {
  const bench = new Bench()
    .listen()
    .arrives(`<DST=${offset(address)}><SEQ=0><CTL=SYN>`)
    .sends();
  bench.expectNothingLeft();
  expect(bench.drops).toHaveLength(1);
});

it.each([
  ['all', ipv4(255, 255, 255, 255)],
  ['all of the subnet', ipv4(10, 0, 0, 255)],
  ['a group', ipv4(224, 0, 0, 1)],
  ['nobody', ipv4(0, 0, 0, 0)],
  ['a loopback address', ipv4(127, 0, 0, 1)],
  ['an address of our own', HOST],
])('a SYN from %s is ignored [RFC 9293 MUST-63]', (_, address) => {
  const bench = new Bench()
    .listen()
    .arrives(`<SRC=${offset(address)}><SEQ=0><CTL=SYN>`)
    .sends();
  bench.expectNothingLeft();
  expect(bench.drops).toEqual(['IP_INVALID_SOURCE']);
});

it.each<[IcmpMessage, string]>([
  [{ type: 'unreachable', code: 1, nextHopMtu: undefined }, 'soft-error host-unreachable'],
  [{ type: 'unreachable', code: 3, nextHopMtu: undefined }, 'closed refused'],
])(
  'an ICMP error goes by its quote to the connection that caused it, no other: %o [RFC 9293 MUST-54]',
  (message, told) => {
    const bench = new Bench().connect();
    const other: string[] = [];
    bench.host.tcp.connect(
      { remote: { address: PEER, port: 81 } },
      { connectionEvent: ({ type }) => void other.push(type) },
    );
    bench.settle();
    const quoted = new DataView(new ArrayBuffer(8));
    quoted.setUint16(0, bench.connection.local.port);
    quoted.setUint16(2, 80);
    quoted.setUint32(4, bench.connection.sender.iss);
    const quote = packetOf(new Uint8Array(quoted.buffer), { source: HOST, destination: PEER, protocol: 6 });
    bench.arrivesRaw(icmpOf(message, quote.contents().slice()));
    expect([bench.told, other]).toEqual([[told], []]);
  },
);
