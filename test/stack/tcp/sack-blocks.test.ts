import { describe, expect, it } from 'vitest';
import { established } from './harness.ts';

const MSS = 1_000;
const SACK = `<MSS=${MSS}><SACKOK>`;

describe('what a receiver reports', () => {
  const data = (seq: number, length: number): string => `<SEQ=${seq}><ACK=1><CTL=ACK><DATA=${length}>`;
  const acks = (number: number, blocks: string): string => `<SEQ=1><ACK=${number}><CTL=ACK><SACK=${blocks}>`;

  it('is offered in the SYN and taken from the SYN-ACK [RFC 2018 2]', () => {
    expect(established({}, SACK).connection.sack).toBe(true);
    expect(established({}, `<MSS=${MSS}>`).connection.sack).toBe(false);
    expect(established({ tcp: { sack: false } }, SACK).connection.sack).toBe(false);
  });

  it('is the block that came last first, then the others, most recent first [RFC 2018 4]', () => {
    const bench = established({}, SACK);
    bench.arrives(data(101, 100)).sends(acks(1, '101-201'));
    bench.arrives(data(301, 100)).sends(acks(1, '301-401,101-201'));
    bench.arrives(data(501, 100)).sends(acks(1, '501-601,301-401,101-201'));
    bench.arrives(data(201, 100)).sends(acks(1, '101-401,501-601')); // one run now
    bench.arrives(data(1, 100)).sends(acks(401, '501-601'));
    bench.arrives(data(401, 100)).sends('<SEQ=1><ACK=601><CTL=ACK>');
  });

  it('includes the number of a FIN that came too early, with data or alone [RFC 2018 3]', () => {
    const bench = established({}, SACK);
    bench.arrives('<SEQ=101><ACK=1><CTL=FIN,ACK><DATA=100>').sends(acks(1, '101-202'));
    bench.arrives(data(1, 100)).sends('<SEQ=1><ACK=202><CTL=ACK>');
    const alone = established({}, SACK);
    alone.arrives('<SEQ=201><ACK=1><CTL=FIN,ACK>').sends(acks(1, '201-202'));
    alone.arrives(data(101, 100)).sends(acks(1, '101-202'));
    alone.arrives(data(1, 100)).sends('<SEQ=1><ACK=202><CTL=ACK>');
  });

  it('is at most four blocks, three beside timestamps [RFC 2018 3]', () => {
    const many = established({}, SACK);
    for (const from of [101, 301, 501, 701, 901]) many.arrives(data(from, 100));
    many.ignore().arrives(data(1_101, 100)).sends(acks(1, '1101-1201,901-1001,701-801,501-601'));
    const stamped = established({ tcp: { timestamps: true } }, `${SACK}<TS=1/0>`);
    for (const from of [101, 301, 501]) stamped.arrives(`${data(from, 100)}<TS=2/0>`);
    stamped.ignore();
    stamped.arrives(`${data(701, 100)}<TS=3/0>`).sends(acks(1, '701-801,501-601,301-401'));
  });

  it('names what came twice in the first block, once [RFC 2883 4]', () => {
    const bench = established({}, SACK).arrives(data(1, 100)).wait(200).ignore();
    bench.arrives(data(1, 100)).sends(acks(101, '1-101')); // below the cumulative ACK
    bench.arrives(data(201, 100)).sends(acks(101, '201-301'));
    bench.arrives(data(201, 100)).sends(acks(101, '201-301,201-301')); // above it: within the second block
    bench.arrives(data(301, 100)).sends(acks(101, '201-401'));
  });

  it('names the part of a segment that came twice [RFC 2883 4.1]', () => {
    const bench = established({}, SACK).arrives(data(201, 200)).ignore();
    bench.arrives(data(301, 200)).sends(acks(1, '301-401,201-501'));
    const below = established({}, SACK).arrives(data(1, 100)).wait(200).ignore();
    below.arrives(data(51, 100)).wait(200).sends(acks(151, '51-101'));
  });

  it('can be without duplicates, by a setting', () => {
    const bench = established({ tcp: { dsack: false } }, SACK)
      .arrives(data(1, 100))
      .wait(200)
      .ignore();
    bench.arrives(data(1, 100)).sends('<SEQ=1><ACK=101><CTL=ACK><SACK=none>'.replace('<SACK=none>', ''));
  });

  it('rides on text only as far as the MSS allows [RFC 9293 MUST-16]', () => {
    const bench = established({}, SACK).arrives(data(101, 100)).ignore();
    bench.write(MSS).sends(`<SEQ=1><ACK=1><CTL=ACK><DATA=${MSS}><SACK=none>`);
    bench.does((each) => each.setNoDelay(true)).write(100);
    bench.sends(`<SEQ=${1 + MSS}><ACK=1><CTL=ACK><DATA=100><SACK=101-201>`);
  });
});
