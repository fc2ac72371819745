/** Explicit congestion notification [RFC 3168]: one host, and a peer that does what the test says. */
import { describe, expect, it } from 'vitest';
import type { EcnSetting } from '../../../stack/settings.ts';
import { Bench, type BenchOptions } from './harness.ts';

const SETTINGS: readonly EcnSetting[] = ['off', 'passive', 'on', 'accurate'];

function bench(ecn: EcnSetting, more: BenchOptions = {}): Bench {
  return new Bench({ ...more, tcp: { ecn, accurateEcnOption: false, congestion: 'newreno', ...more.tcp } });
}

/** Actively opened with ECN agreed on, and nothing unread. */
function agreed(more: BenchOptions = {}): Bench {
  const opened = bench('on', more).connect();
  opened.arrives('<SEQ=0><ACK=1><CTL=SYN,ACK,ECE><MSS=1000>').ignore();
  expect(opened.connection.info().ecn).toBe('classic');
  return opened;
}

/** Passively opened by a SYN with `flags` and `more`. */
function opened(ecn: EcnSetting, flags: string, more: string = ''): Bench {
  return bench(ecn).listen().arrives(`<SEQ=0><CTL=SYN${flags}><MSS=1000>${more}`);
}

describe('negotiation', () => {
  it.each([
    ['off', ''],
    ['passive', ''],
    ['on', ',CWR,ECE'],
    ['accurate', ',AE,CWR,ECE'],
  ] as const)('a host with ecn %s opens with SYN%s [RFC 3168 6.1.1; RFC 9293 SHLD-8]', (ecn, flags) => {
    bench(ecn).connect().sends(`<SEQ=0><CTL=SYN${flags}>`);
  });

  // What our SYN-ACK says to each SYN, and what is in use then.
  const answers: readonly (readonly [string, readonly string[], readonly string[]])[] = [
    ['', ['', '', '', ''], ['off', 'off', 'off', 'off']],
    [',CWR,ECE', ['', ',ECE', ',ECE', ',ECE'], ['off', 'classic', 'classic', 'classic']],
    [',AE,CWR,ECE', ['', ',ECE', ',ECE', ',CWR'], ['off', 'classic', 'classic', 'accurate']],
    [',ECE', ['', '', '', ',CWR'], ['off', 'off', 'off', 'accurate']],
    [',CWR', ['', '', '', ',CWR'], ['off', 'off', 'off', 'accurate']],
    [',AE', ['', '', '', ',CWR'], ['off', 'off', 'off', 'accurate']],
  ];
  for (const [syn, replies, modes] of answers)
    it.each(SETTINGS.map((ecn, index) => [ecn, replies[index] ?? '?', modes[index] ?? '?'] as const))(
      `SYN${syn} to a listener with ecn %s: SYN,ACK%s, %s [RFC 3168 6.1.1; RFC 9768 3.1.2]`,
      (ecn, reply, mode) => {
        const host = opened(ecn, syn).sends(`<SEQ=0><ACK=1><CTL=SYN,ACK${reply}>`);
        host.arrives('<SEQ=1><ACK=1><CTL=ACK,CWR>');
        expect(host.state).toBe('ESTABLISHED');
        expect(host.connection.info().ecn).toBe(mode);
      },
    );

  // What is in use after each SYN-ACK, by what our SYN offered.
  const agreements: readonly (readonly [string, readonly string[]])[] = [
    ['', ['off', 'off', 'off', 'off']],
    [',ECE', ['off', 'off', 'classic', 'classic']],
    [',CWR', ['off', 'off', 'off', 'accurate']],
    [',CWR,ECE', ['off', 'off', 'off', 'accurate']],
    [',AE', ['off', 'off', 'off', 'accurate']],
    [',AE,ECE', ['off', 'off', 'classic', 'accurate']],
    [',AE,CWR', ['off', 'off', 'off', 'accurate']],
    [',AE,CWR,ECE', ['off', 'off', 'off', 'off']],
  ];
  for (const [flags, modes] of agreements)
    it.each(SETTINGS.map((ecn, index) => [ecn, modes[index] ?? '?'] as const))(
      `SYN,ACK${flags} to a host with ecn %s: %s [RFC 3168 6.1.1; RFC 9768 3.1.2, 3.1.3]`,
      (ecn, mode) => {
        const host = bench(ecn).connect().arrives(`<SEQ=0><ACK=1><CTL=SYN,ACK${flags}><MSS=1000>`);
        expect(host.connection.info().ecn).toBe(mode);
        host.ignore().write(100);
        const capable = mode === 'classic' || (mode === 'accurate' && [',CWR', ',AE,ECE'].includes(flags));
        expect(host.sent().map(({ ecn: codepoint }) => codepoint)).toEqual([capable ? 2 : 0]);
      },
    );

  it('both hosts, each setting against each: both sides agree on the same [RFC 3168 6.1.1; RFC 9768 3.1.2]', () => {
    const rank = (ecn: EcnSetting): number => ['off', 'passive', 'on', 'accurate'].indexOf(ecn);
    for (const client of SETTINGS)
      for (const server of SETTINGS) {
        const active = bench(client).connect();
        const [syn] = active.sent();
        const flags = (header: { ae: boolean; cwr: boolean; ece: boolean }): string =>
          `${header.ae ? ',AE' : ''}${header.cwr ? ',CWR' : ''}${header.ece ? ',ECE' : ''}`;
        const passive = opened(server, syn === undefined ? '?' : flags(syn.header));
        const [synAck] = passive.sent();
        active.arrives(`<SEQ=0><ACK=1><CTL=SYN,ACK${synAck === undefined ? '?' : flags(synAck.header)}>`);
        const wanted =
          rank(client) < 2 || rank(server) === 0
            ? 'off'
            : rank(client) === 3 && rank(server) === 3
              ? 'accurate'
              : 'classic';
        expect([client, server, active.connection.ecn.mode, passive.connection.ecn.mode]).toEqual([
          client,
          server,
          wanted,
          wanted,
        ]);
      }
  });

  it('a SYN with ECT is no ECN-setup SYN: the path sets these bits to something else [RFC 3168 6.1.1]', () => {
    opened('on', ',CWR,ECE', '<ECN=2>').sends('<SEQ=0><ACK=1><CTL=SYN,ACK>');
  });

  it('an unanswered SYN leaves again without ECN; ECT is not used then, whatever the answer [RFC 3168 6.1.1.1]', () => {
    const host = bench('on').connect().ignore();
    host.sendsAt(1000, '<SEQ=0><CTL=SYN>');
    host.arrives('<SEQ=0><ACK=1><CTL=SYN,ACK,ECE>').ignore();
    expect(host.connection.ecn.mode).toBe('classic'); // CE is still to be echoed [RFC 3168 6.1.1]
    host.write(100).sends('<SEQ=1><ACK=1><CTL=ACK><DATA=100>');
    host.arrives('<SEQ=1><ACK=101><CTL=ACK><DATA=10><ECN=3>').sends('<SEQ=101><ACK=11><CTL=ACK,ECE>');
  });

  it('a SYN that comes again without ECN has the SYN-ACK without it, too [RFC 3168 6.1.1.1]', () => {
    const host = opened('on', ',CWR,ECE').sends('<SEQ=0><ACK=1><CTL=SYN,ACK,ECE>');
    host.arrives('<SEQ=0><CTL=SYN><MSS=1000>').sends('<SEQ=0><ACK=1><CTL=SYN,ACK>');
    host.arrives('<SEQ=1><ACK=1><CTL=ACK>').write(10).sends('<SEQ=1><ACK=1><CTL=ACK><DATA=10>');
  });

  it('a SYN-ACK that leaves again says the same [RFC 3168 6.1.1]', () => {
    const host = opened('on', ',CWR,ECE').ignore();
    host.sendsAt(1000, '<SEQ=0><ACK=1><CTL=SYN,ACK,ECE>').sendsAt(3000, '<SEQ=0><ACK=1><CTL=SYN,ACK,ECE>');
  });

  it.each([
    ['on', ',CWR,ECE', ',ECE', 'classic', 2],
    ['on', '', '', 'off', 0],
    ['passive', ',CWR,ECE', '', 'off', 0],
    ['accurate', ',AE,CWR,ECE', ',CWR', 'accurate', 2],
  ] as const)(
    'simultaneous open, %s against SYN%s: SYN,ACK%s [RFC 3168 6.1.1]',
    (ecn, syn, reply, mode, codepoint) => {
      const host = bench(ecn).connect().ignore();
      host.arrives(`<SEQ=0><CTL=SYN${syn}>`).sends(`<SEQ=0><ACK=1><CTL=SYN,ACK${reply}>`);
      host.arrives(`<SEQ=0><ACK=1><CTL=SYN,ACK${reply}>`).ignore();
      expect([host.state, host.connection.ecn.mode]).toEqual(['ESTABLISHED', mode]);
      host.write(10);
      expect(host.sent().map((each) => each.ecn)).toEqual([codepoint]);
    },
  );

  it('simultaneous open: a SYN-ACK without ECN takes back what the SYN said [RFC 3168 6.1.1]', () => {
    const host = bench('on')
      .connect()
      .arrives('<SEQ=0><CTL=SYN,CWR,ECE>', '<SEQ=0><ACK=1><CTL=SYN,ACK>')
      .ignore();
    host.write(10).sends('<SEQ=1><ACK=1><CTL=ACK><DATA=10>');
  });
});

describe('the receiver', () => {
  it('sets ECE on all ACKs after a mark until CWR comes [RFC 3168 6.1.3]', () => {
    const host = agreed();
    host.arrives('<SEQ=1><ACK=1><CTL=ACK><DATA=10><ECN=3>').sends('<SEQ=1><ACK=11><CTL=ACK,ECE>');
    host.arrives('<SEQ=11><ACK=1><CTL=ACK><DATA=10><ECN=2>').wait(200).sends('<SEQ=1><ACK=21><CTL=ACK,ECE>');
    host.write(5).sends('<SEQ=1><ACK=21><CTL=ACK,ECE><DATA=5><ECN=2>');
    host.arrives('<SEQ=21><ACK=6><CTL=ACK,CWR><DATA=10><ECN=2>').sends('<SEQ=6><ACK=31><CTL=ACK>');
    expect(host.connection.info()).toMatchObject({ receivedCe: 1, ecnEcho: false });
  });

  it('begins anew with a mark on the segment that has CWR [RFC 3168 6.1.3]', () => {
    const host = agreed();
    host.arrives('<SEQ=1><ACK=1><CTL=ACK><DATA=10><ECN=3>').ignore();
    host.arrives('<SEQ=11><ACK=1><CTL=ACK,CWR><DATA=10><ECN=3>').sends('<SEQ=1><ACK=21><CTL=ACK,ECE>');
  });

  it('sees a mark on any of the segments that a delayed ACK covers [RFC 3168 6.1.3]', () => {
    const host = agreed();
    host.arrives('<SEQ=1><ACK=1><CTL=ACK><DATA=10><ECN=3>', '<SEQ=11><ACK=1><CTL=ACK><DATA=10><ECN=2>');
    host.sends('<SEQ=1><ACK=21><CTL=ACK,ECE>');
  });

  it('sets ECE on duplicate ACKs [RFC 3168 6.1.3]', () => {
    const host = agreed();
    host.arrives('<SEQ=11><ACK=1><CTL=ACK><DATA=10><ECN=3>').sends('<SEQ=1><ACK=1><CTL=ACK,ECE>');
  });

  it('ignores marks and CWR on what lies outside of the window [RFC 3168 6.1.5]', () => {
    const host = agreed().arrives('<SEQ=1><ACK=1><CTL=ACK><DATA=10>').ignore();
    host.arrives('<SEQ=1><ACK=1><CTL=ACK><DATA=10><ECN=3>').sends('<SEQ=1><ACK=11><CTL=ACK>');
    host.arrives('<SEQ=200000><ACK=1><CTL=ACK><DATA=10><ECN=3>').sends('<SEQ=1><ACK=11><CTL=ACK>');
    host.arrives('<SEQ=11><ACK=1><CTL=ACK><DATA=10><ECN=3>').sends('<SEQ=1><ACK=21><CTL=ACK,ECE>');
    host.arrives('<SEQ=11><ACK=1><CTL=ACK,CWR><DATA=10><ECN=2>').sends('<SEQ=1><ACK=21><CTL=ACK,ECE>');
  });

  it('ignores marks on pure ACKs, but CWR ends the echo on whatever it comes [RFC 3168 6.1.3, 6.1.4]', () => {
    const host = agreed().arrives('<SEQ=1><ACK=1><CTL=ACK><ECN=3>').write(1);
    host.sends('<SEQ=1><ACK=1><CTL=ACK><DATA=1><ECN=2>');
    host.arrives('<SEQ=1><ACK=2><CTL=ACK><DATA=10><ECN=3>').sends('<SEQ=2><ACK=11><CTL=ACK,ECE>');
    host.arrives('<SEQ=11><ACK=2><CTL=ACK,CWR>').write(1).sends('<SEQ=2><ACK=11><CTL=ACK><DATA=1><ECN=2>');
  });

  it('answers a mark on a window probe [RFC 3168 6.1.6]', () => {
    const host = agreed({ tcp: { receiveBuffer: { from: 2000, to: 2000 } } });
    host.arrives('<SEQ=1><ACK=1><CTL=ACK><DATA=1000>', '<SEQ=1001><ACK=1><CTL=ACK><DATA=1000>').ignore();
    expect(host.connection.receiver.wnd).toBe(0);
    host.arrives('<SEQ=2001><ACK=1><CTL=ACK><DATA=1><ECN=3>').sends('<SEQ=1><ACK=2001><CTL=ACK,ECE>');
  });

  it('takes ECT(1) for ECT: the nonce is no more [RFC 3168 5; RFC 8311 3]', () => {
    const host = agreed();
    host.arrives('<SEQ=1><ACK=1><CTL=ACK><DATA=10><ECN=1>').wait(200).sends('<SEQ=1><ACK=11><CTL=ACK>');
    expect(host.connection.ecn.seen).toBe(true);
  });

  it('says nothing of marks if ECN was not agreed on [RFC 3168 6.1.1]', () => {
    const host = bench('on').connect().arrives('<SEQ=0><ACK=1><CTL=SYN,ACK>').ignore();
    host.arrives('<SEQ=1><ACK=1><CTL=ACK,CWR><DATA=10><ECN=3>').wait(200).sends('<SEQ=1><ACK=11><CTL=ACK>');
  });
});

describe('the sender', () => {
  const cwnd = (host: Bench): number => host.info('cwnd') / 1000;
  /** Ten segments are out, all of the window. */
  const full = (more: BenchOptions = {}): Bench =>
    agreed({ ...more, tcp: { superSegments: false, ...more.tcp } })
      .write(10_000)
      .ignore();

  it('sends new data with ECT(0), a lone FIN and ACKs without [RFC 3168 6.1.2, 6.1.4]', () => {
    const host = agreed().write(100).sends('<SEQ=1><ACK=1><CTL=ACK><DATA=100><ECN=2>');
    host.arrives('<SEQ=1><ACK=101><CTL=ACK><DATA=10>').wait(200).sends('<SEQ=101><ACK=11><CTL=ACK>');
    host.does((connection) => connection.shutdown()).sends('<SEQ=101><ACK=11><CTL=FIN,ACK>');
  });

  it('halves the window for ECE, sends nothing again, and sets CWR on the next new segment only [RFC 3168 6.1.2]', () => {
    const host = full();
    host.write(5000);
    host.arrives('<SEQ=1><ACK=1001><CTL=ACK,ECE>').sends();
    expect([cwnd(host), host.info('ssthresh')]).toEqual([5, 5000]);
    host.arrives('<SEQ=1><ACK=7001><CTL=ACK,ECE>');
    host.sends(
      '<SEQ=10001><ACK=1><CTL=ACK,CWR><DATA=1000><ECN=2>',
      '<SEQ=11001><ACK=1><CTL=ACK><DATA=1000><ECN=2>',
    );
    expect(host.connection.info()).toMatchObject({ deliveredCe: 7, dupAcks: 0, recover: undefined });
  });

  it('reacts once per window of data, and does not let the window grow before [RFC 3168 6.1.2]', () => {
    const host = full().write(20_000).ignore();
    for (let ack = 1001; ack <= 10_001; ack += 1000) host.arrives(`<SEQ=1><ACK=${ack}><CTL=ACK,ECE>`);
    expect(cwnd(host)).toBe(5);
    host.arrives('<SEQ=1><ACK=11001><CTL=ACK,ECE>'); // what left after the reduction was marked as well
    expect(cwnd(host)).toBe(2.5);
  });

  it('halves again for a mark of the next window [RFC 3168 6.1.2]', () => {
    const host = full().write(20_000).ignore();
    host.arrives('<SEQ=1><ACK=1001><CTL=ACK,ECE>').arrives('<SEQ=1><ACK=10001><CTL=ACK>');
    expect(cwnd(host)).toBe(5);
    host.arrives('<SEQ=1><ACK=12001><CTL=ACK,ECE>');
    expect(cwnd(host)).toBe(2.5);
    host.arrives('<SEQ=1><ACK=15001><CTL=ACK>');
    expect(host.sent().filter(({ header }) => header.cwr)).toHaveLength(2);
  });

  it('reacts to ECE on a duplicate ACK [RFC 3168 6.1.2]', () => {
    const host = full().arrives('<SEQ=1><ACK=1><CTL=ACK,ECE>');
    expect(cwnd(host)).toBe(5);
  });

  it('does not react to ECE on an ACK that was overtaken [RFC 3168 6.1.2]', () => {
    const host = full().arrives('<SEQ=1><ACK=5001><CTL=ACK>');
    const before = cwnd(host);
    host.arrives('<SEQ=1><ACK=1001><CTL=ACK,ECE>');
    expect(cwnd(host)).toBe(before);
  });

  it('ignores ECE in fast recovery, and sets CWR after it; what is sent again has no ECT [RFC 3168 6.1.2, 6.1.5]', () => {
    const host = full();
    host.arrives('<SEQ=1><ACK=1><CTL=ACK>', '<SEQ=1><ACK=1><CTL=ACK>', '<SEQ=1><ACK=1><CTL=ACK>');
    host.sends('<SEQ=1><ACK=1><CTL=ACK><DATA=1000>');
    const { ssthresh } = host.connection.info();
    host.arrives('<SEQ=1><ACK=10001><CTL=ACK,ECE>');
    expect([host.info('ssthresh'), ssthresh]).toEqual([5000, 5000]);
    host.write(100).sends('<SEQ=10001><ACK=1><CTL=ACK,CWR><DATA=100><ECN=2>');
  });

  it('does not reduce ssthresh again for a loss in the window whose mark has done so [RFC 3168 6.1.2]', () => {
    const host = full().arrives('<SEQ=1><ACK=1001><CTL=ACK,ECE>');
    host.arrives(...Array.from({ length: 3 }, () => '<SEQ=1><ACK=1001><CTL=ACK,ECE>'));
    host.sends('<SEQ=1001><ACK=1><CTL=ACK><DATA=1000>');
    expect(host.info('ssthresh')).toBe(5000);
  });

  it('sends again after a timeout without ECT and CWR; both are on the first new data [RFC 3168 6.1.2, 6.1.5]', () => {
    const host = full().write(1000).ignore().wait(1000);
    host.sends('<SEQ=1><ACK=1><CTL=ACK><DATA=1000>');
    host.arrives('<SEQ=1><ACK=10001><CTL=ACK>').sends('<SEQ=10001><ACK=1><CTL=ACK,CWR><DATA=1000><ECN=2>');
  });

  it('sets neither ECT nor CWR on a window probe [RFC 3168 6.1.6]', () => {
    const host = agreed().write(1000).ignore();
    host.arrives('<SEQ=1><ACK=1001><CTL=ACK,ECE><WND=0>').write(10).wait(2000);
    const [probe] = host.sent();
    expect(probe).toMatchObject({ ecn: 0, header: { cwr: false } });
    host.arrives('<SEQ=1><ACK=1001><CTL=ACK><WND=5000>');
    host.sends('<SEQ=1001><ACK=1><CTL=ACK,CWR><DATA=10><ECN=2>');
  });

  it('with a window of one segment waits for the retransmission timer [RFC 3168 6.1.2]', () => {
    const host = agreed({ tcp: { superSegments: false } })
      .write(1000)
      .ignore();
    host.wait(1000).sends('<SEQ=1><ACK=1><CTL=ACK><DATA=1000>'); // the RTO: a window of one segment, ssthresh of two
    host.arrives('<SEQ=1><ACK=1001><CTL=ACK>').does(({ sender }) => {
      sender.congestion.timeout(1000, false, host.clock.now());
    });
    host.write(3000).sends('<SEQ=1001><ACK=1><CTL=ACK,CWR><DATA=1000><ECN=2>');
    host.arrives('<SEQ=1><ACK=2001><CTL=ACK,ECE>');
    const rto = host.info('rto') / 1000;
    expect([cwnd(host), host.timer('retransmission')]).toEqual([1, rto]);
    host.silentUntil(host.clock.now() / 1000 + rto - 1);
    host.wait(1).sends('<SEQ=2001><ACK=1><CTL=ACK,CWR><DATA=1000><ECN=2>');
    expect(host.connection.info().retransmissions).toBe(0);
  });

  it('puts CWR on a super-segment, which the device cuts so that only the first has it [RFC 3168 6.1.2]', () => {
    const host = agreed().write(10_000).ignore();
    host.arrives('<SEQ=1><ACK=1001><CTL=ACK,ECE>', '<SEQ=1><ACK=10001><CTL=ACK>').write(3000);
    expect(host.sent().map(({ header, ecn }) => [header.cwr, ecn])).toEqual([
      [true, 2],
      [false, 2],
      [false, 2],
    ]);
  });

  it('leaves the DSCP to the program, and its ECN bits only without ECN [RFC 3168 6.1.2; RFC 9293 SHLD-22]', () => {
    const host = agreed()
      .does((connection) => connection.setTypeOfService(0xb9))
      .write(10);
    expect(host.connection.ecn.typeOfService(0xb9, 2)).toBe(0xba);
    host.sends('<SEQ=1><ACK=1><CTL=ACK><DATA=10><ECN=2>');
    const without = bench('off').connect().arrives('<SEQ=0><ACK=1><CTL=SYN,ACK,ECE>').ignore();
    without.does((connection) => connection.setTypeOfService(0xb9)).write(10);
    without.sends('<SEQ=1><ACK=1><CTL=ACK><DATA=10><ECN=1>');
  });

  it('ignores ECE if ECN was not agreed on [RFC 3168 6.1.1]', () => {
    const host = bench('passive')
      .connect()
      .arrives('<SEQ=0><ACK=1><CTL=SYN,ACK,ECE><MSS=1000>')
      .write(10_000);
    host.arrives('<SEQ=1><ACK=1001><CTL=ACK,ECE>');
    expect(cwnd(host)).toBe(11);
  });
});

describe('the sender with SACK', () => {
  const full = (): Bench => {
    const opened = bench('on', { tcp: { superSegments: false } }).connect();
    opened.arrives('<SEQ=0><ACK=1><CTL=SYN,ACK,ECE><MSS=1000><OPT=4:>');
    expect([opened.connection.sack, opened.connection.ecn.mode]).toEqual([true, 'classic']);
    return opened.write(30_000).ignore();
  };
  const cwrs = (host: Bench): number => host.sent().filter(({ header }) => header.cwr).length;

  it('comes down to half of the window by the pace of what is delivered, and says CWR once [RFC 3168 6.1.2; RFC 6937 3]', () => {
    const host = full().arrives('<SEQ=1><ACK=1001><CTL=ACK,ECE>');
    expect([host.info('ssthresh'), host.connection.recovery.state]).toEqual([5000, 'CWR']);
    for (let ack = 2001; ack <= 10_001; ack += 1000) host.arrives(`<SEQ=1><ACK=${ack}><CTL=ACK,ECE>`);
    expect([host.info('cwnd'), host.info('ssthresh'), cwrs(host)]).toEqual([5000, 5000, 1]);
    const [next] = [host.info('snd.una')];
    host.arrives(`<SEQ=1><ACK=${next + 1000}><CTL=ACK,ECE>`);
    expect(host.info('ssthresh')).toBeLessThan(5000); // what left after CWR was marked as well
  });

  it('does not reduce again for a loss in the window whose mark has done so [RFC 3168 6.1.2]', () => {
    const host = full().arrives('<SEQ=1><ACK=1001><CTL=ACK,ECE>').ignore();
    const { iss } = host.frame;
    const block = (left: number, right: number): string =>
      [iss + left, iss + right].map((each) => (each >>> 0).toString(16).padStart(8, '0')).join('');
    for (let end = 3001; end <= 6001; end += 1000)
      host.arrives(`<SEQ=1><ACK=1001><CTL=ACK,ECE><OPT=5:${block(2001, end)}>`);
    expect([host.connection.recovery.state, host.info('ssthresh')]).toEqual(['Recovery', 5000]);
    const again = host.sent().filter(({ ecn }) => ecn === 0);
    expect(again.map(({ header }) => (header.seq - iss) | 0)).toEqual([1001]);
  });

  it('has no ECT and no CWR on what is sent again, and CWR on the first new data [RFC 3168 6.1.2, 6.1.5]', () => {
    const host = full();
    const { iss } = host.frame;
    const hex = (number: number): string => ((iss + number) >>> 0).toString(16).padStart(8, '0');
    for (let end = 2001; end <= 5001; end += 1000)
      host.arrives(`<SEQ=1><ACK=1><CTL=ACK><OPT=5:${hex(1001)}${hex(end)}>`);
    host.arrives('<SEQ=1><ACK=10001><CTL=ACK,ECE>');
    const sent = host.sent().map(({ header, ecn }) => [(header.seq - iss) | 0, ecn, header.cwr] as const);
    expect(sent.filter(([at]) => at === 1)).toEqual([[1, 0, false]]);
    expect(sent.filter(([, , cwr]) => cwr)).toHaveLength(1);
    expect(sent.filter(([at, ecn]) => at > 10_000 && ecn !== 2)).toEqual([]);
  });
});
