/** Accurate ECN [RFC 9768; section numbers of the draft]: handshake, counters, options, and what a path may do to them. */
import { describe, expect, it } from 'vitest';
import { AccurateEcn } from '../../../stack/tcp/accurate-ecn.ts';
import { NO_OPTIONS, type TcpOptions, options } from '../../../stack/wire/tcp-options.ts';
import { Bench, type BenchOptions } from './harness.ts';
import type { Seen } from './words.ts';

function bench(more: BenchOptions = {}): Bench {
  return new Bench({
    ...more,
    tcp: { ecn: 'accurate', accurateEcnOption: false, congestion: 'newreno', ...more.tcp },
  });
}

/** Actively opened with Accurate ECN agreed on. */
function agreed(more: BenchOptions = {}, synAck: string = ''): Bench {
  const host = bench({ ...more, tcp: { superSegments: false, ...more.tcp } }).connect();
  host.arrives(`<SEQ=0><ACK=1><CTL=SYN,ACK,CWR><MSS=1000>${synAck}`).ignore();
  expect(host.connection.ecn.mode).toBe('accurate');
  return host;
}

/** Passively opened with it; the ACK of the SYN-ACK has `flags`. */
function accepted(flags: string, more: BenchOptions = {}): Bench {
  const host = bench({ ...more, tcp: { superSegments: false, ...more.tcp } }).listen();
  host.arrives('<SEQ=0><CTL=SYN,AE,CWR,ECE><MSS=1000>');
  return host.arrives(`<SEQ=1><ACK=1><CTL=ACK${flags}>`).ignore();
}

/** The ACE field as flags of a segment's words. */
function ace(field: number): string {
  return `${(field & 4) === 0 ? '' : ',AE'}${(field & 2) === 0 ? '' : ',CWR'}${(field & 1) === 0 ? '' : ',ECE'}`;
}

/** Words for an option's bytes: ECT(1), CE and ECT(0). */
function counters(ect1: number, ce: number, ect0: number): string {
  return [ect1, ce, ect0].map((each) => each.toString(16).padStart(6, '0')).join('');
}

function optionOf({ header }: Seen): string | undefined {
  const option = header.options.others?.find(({ kind }) => kind === 174);
  return option === undefined
    ? undefined
    : [...option.data].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

describe('the handshake', () => {
  it.each([
    [0, ',CWR'],
    [1, ',CWR,ECE'],
    [2, ',AE'],
    [3, ',AE,CWR'],
  ])('a SYN-ACK tells that the SYN came with codepoint %s: %s [RFC 9768 3.1.1]', (codepoint, flags) => {
    const host = bench().listen().arrives(`<SEQ=0><CTL=SYN,AE,CWR,ECE><ECN=${codepoint}>`);
    host.sends(`<SEQ=0><ACK=1><CTL=SYN,ACK${flags}>`);
  });

  it.each([
    [0, ',CWR', 5],
    [1, ',CWR,ECE', 5],
    [2, ',AE', 5],
    [3, ',AE,CWR', 6],
  ])(
    'the ACK of a SYN-ACK with codepoint %s: %s, then the counter [RFC 9768 3.2.2.1]',
    (codepoint, flags, next) => {
      const host = bench().connect().ignore();
      host
        .arrives(`<SEQ=0><ACK=1><CTL=SYN,ACK,CWR><ECN=${codepoint}>`)
        .sends(`<SEQ=1><ACK=1><CTL=ACK${flags}>`);
      host.write(10).sends(`<SEQ=1><ACK=1><CTL=ACK${ace(next)}><DATA=10><ECN=2>`);
    },
  );

  it.each([
    [0b000, 0, 0],
    [0b001, 2, 0],
    [0b010, 2, 0],
    [0b011, 0, 0],
    [0b100, 0, 0],
    [0b101, 2, 0],
    [0b110, 0, 1],
    [0b111, 2, 0],
  ])(
    'field %i in the ACK of our SYN-ACK: then data with codepoint %i [RFC 9768 3.2.2.1, 3.2.2.3, 3.2.2.4]',
    (field, codepoint, marks) => {
      const host = accepted(ace(field)).write(10);
      host.sends(`<SEQ=1><ACK=1><CTL=ACK${ace(5)}><DATA=10>${codepoint === 0 ? '' : `<ECN=${codepoint}>`}`);
      expect(host.info('deliveredCe')).toBe(marks);
    },
  );

  it.each([',CWR,ECE', ',AE', ',AE,CWR'])(
    'SYN,ACK%s says that our SYN came with a codepoint it did not have: no ECT, but feedback [RFC 9768 3.2.2.3]',
    (flags) => {
      const host = bench().connect().arrives(`<SEQ=0><ACK=1><CTL=SYN,ACK${flags}>`).ignore();
      host.write(10).sends(`<SEQ=1><ACK=1><CTL=ACK${ace(5)}><DATA=10>`);
      host
        .arrives(`<SEQ=1><ACK=11><CTL=ACK${ace(5)}><DATA=1><ECN=3>`)
        .sends(`<SEQ=11><ACK=2><CTL=ACK${ace(6)}>`);
    },
  );

  it('asks twice, then opens without ECN, and sets no ECT then [RFC 9768 3.1.4.1, 3.1.5]', () => {
    const host = bench().connect().sends('<SEQ=0><CTL=SYN,AE,CWR,ECE>');
    host
      .sendsAt(1000, '<SEQ=0><CTL=SYN,AE,CWR,ECE>')
      .sendsAt(3000, '<SEQ=0><CTL=SYN>')
      .sendsAt(7000, '<SEQ=0><CTL=SYN>');
    host.arrives('<SEQ=0><ACK=1><CTL=SYN,ACK,CWR>').sends(`<SEQ=1><ACK=1><CTL=ACK${ace(2)}>`);
    host.write(10).sends(`<SEQ=1><ACK=1><CTL=ACK${ace(5)}><DATA=10>`);
  });

  it('answers twice, then without ECN, and sets no ECT then [RFC 9768 3.1.4.2, 3.1.5]', () => {
    const host = bench()
      .listen()
      .arrives('<SEQ=0><CTL=SYN,AE,CWR,ECE>')
      .sends('<SEQ=0><ACK=1><CTL=SYN,ACK,CWR>');
    host.sendsAt(1000, '<SEQ=0><ACK=1><CTL=SYN,ACK,CWR>').sendsAt(3000, '<SEQ=0><ACK=1><CTL=SYN,ACK>');
    host
      .arrives('<SEQ=1><ACK=1><CTL=ACK,CWR>')
      .write(10)
      .sends(`<SEQ=1><ACK=1><CTL=ACK${ace(5)}><DATA=10>`);
  });

  it('with data instead of the ACK of a SYN-ACK, the field has the counter [RFC 9768 3.2.2.1]', () => {
    const host = bench().connect().write(10).ignore();
    host.arrives('<SEQ=0><ACK=1><CTL=SYN,ACK,CWR>').sends(`<SEQ=1><ACK=1><CTL=ACK${ace(5)}><DATA=10><ECN=2>`);
  });
});

describe('the receiver', () => {
  it('counts the marked segments in a field of three bits, on every segment [RFC 9768 3.2.2]', () => {
    const host = agreed();
    for (let marks = 1; marks <= 9; marks += 1) {
      host.arrives(`<SEQ=R><ACK=1><CTL=ACK${ace(5)}><DATA=10><ECN=3>`).wait(200);
      host.sends(`<SEQ=1><ACK=R><CTL=ACK${ace((5 + marks) & 7)}>`);
    }
    expect(host.info('receivedCe')).toBe(9);
  });

  it('acknowledges the first mark at once, then each second one [RFC 9768 3.2.2.5.1]', () => {
    const host = agreed({ tcp: { ackEvery: 100 } });
    const data = (ecn: number): Bench =>
      host.arrives(`<SEQ=R><ACK=1><CTL=ACK${ace(5)}><DATA=10><ECN=${ecn}>`);
    data(2).sends();
    data(3).sends(`<SEQ=1><ACK=21><CTL=ACK${ace(6)}>`);
    data(3).sends();
    data(3).sends(`<SEQ=1><ACK=41><CTL=ACK${ace(0)}>`);
    data(2).sends();
    data(3).sends(`<SEQ=1><ACK=61><CTL=ACK${ace(1)}>`);
  });

  it('acknowledges each sixth mark of a batch, lest the field wrap [RFC 9768 3.2.2.5.1]', () => {
    const host = agreed();
    const mark = (index: number): string =>
      `<SEQ=${1 + 10 * index}><ACK=1><CTL=ACK${ace(5)}><DATA=10><ECN=3>`;
    host.arrives(...Array.from({ length: 14 }, (_, index) => mark(index)));
    const acks = [60, 120, 140].map(
      (bytes) => `<SEQ=1><ACK=${1 + bytes}><CTL=ACK${ace((5 + bytes / 10) & 7)}>`,
    );
    host.sends(...acks);
  });

  it('counts marks on pure ACKs, and answers each third one [RFC 9768 3.2.2.5.1]', () => {
    const host = agreed().write(1000).ignore();
    host
      .arrives(`<SEQ=1><ACK=1><CTL=ACK${ace(5)}><ECN=3>`)
      .arrives(`<SEQ=1><ACK=1><CTL=ACK${ace(5)}><ECN=3>`)
      .sends();
    host.arrives(`<SEQ=1><ACK=1001><CTL=ACK${ace(5)}><ECN=3>`).sends(`<SEQ=1001><ACK=1><CTL=ACK${ace(0)}>`);
  });

  it('does not count what lies outside of the window [RFC 9768 3.2.2]', () => {
    const host = agreed().arrives('<SEQ=200000><ACK=1><CTL=ACK><DATA=10><ECN=3>');
    host.sends(`<SEQ=1><ACK=1><CTL=ACK${ace(5)}>`);
  });

  it('never sets CWR for a reduction: the bits are the counter [RFC 9768 3.2.2]', () => {
    const host = agreed()
      .write(10_000)
      .ignore()
      .arrives(`<SEQ=1><ACK=10001><CTL=ACK${ace(6)}>`);
    host.write(10).sends(`<SEQ=10001><ACK=1><CTL=ACK${ace(5)}><DATA=10><ECN=2>`);
    expect(host.info('cwnd')).toBe(5000);
  });

  it('makes no super-segments while the field has CWR, which whoever cuts them would clear [RFC 3168 6.1.2]', () => {
    const host = agreed({ tcp: { superSegments: true } });
    Object.assign(host.connection, { deviceCuts: true });
    host.arrives(`<SEQ=1><ACK=1><CTL=ACK${ace(5)}><DATA=10><ECN=3>`); // 6: CWR
    expect(host.connection.sender.largest).toBe(1000);
    host.arrives(
      ...Array.from(
        { length: 2 },
        (_, index) => `<SEQ=${11 + 10 * index}><ACK=1><CTL=ACK${ace(5)}><DATA=10><ECN=3>`,
      ),
    );
    expect([host.connection.ecn.accurate.ace, host.connection.sender.largest]).toEqual([0, 65_000]);
  });
});

describe('the sender', () => {
  const full = (more: BenchOptions = {}): Bench => agreed(more).write(10_000).ignore();
  const cwnd = (host: Bench): number => host.info('cwnd') / 1000;

  it('reduces once per window, whatever the number of marks [RFC 9768 3.3; RFC 3168 6.1.2]', () => {
    const host = full().write(20_000).ignore();
    host.arrives(`<SEQ=1><ACK=3001><CTL=ACK${ace(7)}>`).arrives(`<SEQ=1><ACK=5001><CTL=ACK${ace(0)}>`);
    expect([cwnd(host), host.info('deliveredCe')]).toEqual([5, 3]);
    host.arrives(`<SEQ=1><ACK=10001><CTL=ACK${ace(0)}>`);
    expect(cwnd(host)).toBe(5);
    host.arrives(`<SEQ=1><ACK=12001><CTL=ACK${ace(1)}>`);
    expect([cwnd(host), host.info('deliveredCe')]).toEqual([2.5, 4]);
  });

  it('does not react to a field that stays [RFC 9768 3.2.2]', () => {
    const host = full()
      .arrives(`<SEQ=1><ACK=5001><CTL=ACK${ace(5)}>`)
      .arrives(`<SEQ=1><ACK=10001><CTL=ACK${ace(5)}>`);
    expect([cwnd(host), host.info('deliveredCe')]).toEqual([20, 0]);
  });

  it('takes the field for wrapped if more than seven packets are acknowledged at once [RFC 9768 3.2.2.5.2]', () => {
    const host = full().arrives(`<SEQ=1><ACK=10001><CTL=ACK${ace(6)}>`);
    expect(host.info('deliveredCe')).toBe(9); // 1 or 9 of 10
  });

  it('believes the option that it was not wrapped [RFC 9768 A.2.2]', () => {
    const host = full().arrives(`<SEQ=1><ACK=10001><CTL=ACK${ace(6)}><OPT=174:${counters(1, 1000, 9001)}>`);
    expect(host.info('deliveredCe')).toBe(1);
    expect(host.connection.ecn.accurate.delivered).toEqual({ ect1: 0, ce: 1000, ect0: 9000 });
  });

  it('does not read the field of an ACK that may have been overtaken [RFC 9768 3.2.2.5.2]', () => {
    const host = full().arrives(`<SEQ=1><ACK=3001><CTL=ACK${ace(6)}>`);
    host.arrives(`<SEQ=1><ACK=2001><CTL=ACK${ace(5)}>`).arrives(`<SEQ=1><ACK=3001><CTL=ACK${ace(5)}>`);
    expect(host.info('deliveredCe')).toBe(1);
  });

  it('reads that of a duplicate ACK whose timestamp is newer [RFC 9768 3.2.2.5.2]', () => {
    const host = full({ tcp: { timestamps: true } }).ignore();
    expect(host.connection.timestamps).toBe(false); // the SYN-ACK had none
    const timed = agreed({ tcp: { timestamps: true } }, '<TS=10/0>')
      .write(9_000)
      .ignore();
    timed.arrives(`<SEQ=1><ACK=1001><CTL=ACK${ace(6)}><TS=20/0>`);
    timed.arrives(`<SEQ=1><ACK=1001><CTL=ACK${ace(5)}><TS=15/0>`);
    expect(timed.info('deliveredCe')).toBe(1);
    timed.arrives(`<SEQ=1><ACK=1001><CTL=ACK${ace(7)}><TS=21/0>`);
    expect(timed.info('deliveredCe')).toBe(2);
  });

  it('sets no more ECT if the first field of the peer is 0: something clears the flags [RFC 9768 3.2.2.4]', () => {
    const host = agreed().write(1000).ignore();
    host
      .arrives('<SEQ=1><ACK=1001><CTL=ACK>')
      .write(10)
      .sends(`<SEQ=1001><ACK=1><CTL=ACK${ace(5)}><DATA=10>`);
    expect([host.info('deliveredCe'), cwnd(host)]).toEqual([0, 10]);
  });

  it('sets no ECT on what is sent again and on probes [RFC 3168 6.1.5, 6.1.6]', () => {
    const host = full().wait(1000);
    host.sends(`<SEQ=1><ACK=1><CTL=ACK${ace(5)}><DATA=1000>`);
  });
});

describe('the option', () => {
  const withOption = { tcp: { accurateEcnOption: true } };

  it('has the payload bytes of each codepoint; those of ECT begin at 1 [RFC 9768 3.2.1, 3.2.3]', () => {
    const host = agreed(withOption);
    for (const [index, ecn] of [2, 3, 1, 0, 2].entries())
      host.arrives(`<SEQ=${1 + 10 * index}><ACK=1><CTL=ACK${ace(5)}><DATA=10><ECN=${ecn}>`);
    host.wait(200);
    expect(host.sent().map(optionOf).at(-1)).toBe(counters(11, 10, 21));
  });

  it('is on the SYN-ACK and the ACK of it, not on the SYN [RFC 9768 3.2.3.2]', () => {
    const active = bench(withOption).connect();
    active.arrives('<SEQ=0><ACK=1><CTL=SYN,ACK,CWR>');
    expect(active.sent().map(optionOf)).toEqual([undefined, counters(1, 0, 1)]);
    const passive = bench(withOption).listen().arrives('<SEQ=0><CTL=SYN,AE,CWR,ECE>');
    expect(passive.sent().map(optionOf)).toEqual([counters(1, 0, 1)]);
  });

  it('is no longer sent once the SYN-ACK had to leave again [RFC 9768 3.2.3.2.2]', () => {
    const host = bench(withOption).listen().arrives('<SEQ=0><CTL=SYN,AE,CWR,ECE>').ignore().at(1000);
    expect(host.sent().map(optionOf)).toEqual([undefined]);
    host.arrives(`<SEQ=1><ACK=1><CTL=ACK,CWR><DATA=10>`).wait(200);
    expect(host.sent().map(optionOf)).toEqual([undefined]);
  });

  it('leaves full-sized segments alone, and goes with those that have room [RFC 9768 3.2.3.3]', () => {
    const host = agreed(withOption)
      .write(2100)
      .does((connection) => connection.setNoDelay(true));
    expect(host.sent().map((seen) => [seen.payload.length, optionOf(seen) !== undefined])).toEqual([
      [1000, false],
      [1000, false],
      [100, true],
    ]);
  });

  it('stands beside SACK blocks where there is room [RFC 9768 3.2.3.3; RFC 2018 3]', () => {
    const host = bench({ tcp: { accurateEcnOption: true } }).connect();
    host.arrives('<SEQ=0><ACK=1><CTL=SYN,ACK,CWR><MSS=1000><OPT=4:>').ignore();
    host.arrives(`<SEQ=101><ACK=1><CTL=ACK${ace(5)}><DATA=10><ECN=3>`);
    const [one] = host.sent();
    expect([one?.header.options.sack?.length, one && optionOf(one)]).toEqual([1, counters(1, 10, 1)]);
    for (const at of [201, 301, 401]) host.arrives(`<SEQ=${at}><ACK=1><CTL=ACK${ace(5)}><DATA=10><ECN=2>`);
    const four = host.sent().at(-1);
    expect([four?.header.options.sack?.length, four && optionOf(four)]).toEqual([4, undefined]);
  });

  it('is read in both orders, and shorter [RFC 9768 3.2.3]', () => {
    const first = new AccurateEcn();
    const of = (kind: number, ...fields: number[]): TcpOptions =>
      options({
        others: [
          {
            kind,
            data: Uint8Array.from(fields.flatMap((each) => [each >> 16, (each >> 8) & 255, each & 255])),
          },
        ],
      });
    first.acknowledged(5, 1, 1000, of(172, 1001, 0, 1));
    expect(first.delivered).toEqual({ ect0: 1000, ect1: 0, ce: 0 });
    first.acknowledged(6, 1, 1000, of(172, 1001, 1000));
    first.acknowledged(6, 1, 1000, of(174, 501));
    expect(first.delivered).toEqual({ ect0: 1000, ect1: 500, ce: 1000 });
    first.acknowledged(6, 1, 1000, of(174, 1)); // an old one
    expect(first.delivered.ect1).toBe(500);
    first.acknowledged(6, 1, 1000, of(172));
    expect(first.delivered).toEqual({ ect0: 1000, ect1: 500, ce: 1000 });
  });

  it('goes on after 2^24 bytes [RFC 9768 3.2.3]', () => {
    const sender = new AccurateEcn();
    const receiver = new AccurateEcn();
    for (let sent = 0; sent < 40; sent += 1) {
      receiver.arrived(2, 1000, 1_000_000);
      sender.acknowledged(5, 1, 1000, options({ others: [receiver.option()] }));
    }
    expect(sender.delivered).toEqual({ ect0: 40_000_000, ect1: 0, ce: 0 });
  });

  it('is not believed if its first counter is 0: the path has cleared it [RFC 9768 3.2.3.2.4]', () => {
    const sender = new AccurateEcn();
    const cleared = options({ others: [{ kind: 174, data: new Uint8Array(9) }] });
    expect(sender.acknowledged(6, 10, 1000, cleared)).toBe(9);
    expect(sender.acknowledged(7, 10, 1000, options({ others: [new AccurateEcn().option()] }))).toBe(9);
    expect(sender.optionSeen).toBe(false);
  });

  it('of other lengths is no option of ours, and breaks nothing [RFC 9293 MUST-7]', () => {
    const host = agreed(withOption).write(3000).ignore();
    host
      .arrives(`<SEQ=1><ACK=1001><CTL=ACK${ace(5)}><OPT=174:0000>`)
      .arrives(`<SEQ=1><ACK=3001><CTL=ACK${ace(5)}><OPT=172:>`);
    expect(host.connection.ecn.accurate.optionSeen).toBe(false);
  });
});

describe('the counter', () => {
  it('is the true number of marks for each number of packets up to seven [RFC 9768 A.1]', () => {
    for (let packets = 1; packets <= 7; packets += 1)
      for (let marks = 0; marks <= packets; marks += 1) {
        const sender = new AccurateEcn();
        expect(sender.acknowledged((5 + marks) & 7, packets, 1000, NO_OPTIONS)).toBe(marks);
      }
  });

  it('is never below the true number, and with the option exact for full segments [RFC 9768 A.1, A.2.2]', () => {
    for (let packets = 8; packets <= 40; packets += 1)
      for (let marks = 0; marks <= packets; marks += 1) {
        const blind = new AccurateEcn().acknowledged((5 + marks) & 7, packets, 1000, NO_OPTIONS);
        expect(blind).toBeGreaterThanOrEqual(marks);
        expect(blind).toBeLessThanOrEqual(packets);
        const receiver = new AccurateEcn();
        if (marks > 0) receiver.arrived(3, marks, marks * 1000);
        const told = new AccurateEcn().acknowledged(
          receiver.ace,
          packets,
          1000,
          options({ others: [receiver.option()] }),
        );
        expect(told).toBe(marks);
      }
  });
});
