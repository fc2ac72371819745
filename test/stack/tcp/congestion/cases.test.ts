import { describe, expect, it } from 'vitest';
import type { TcpSettings } from '../../../../stack/settings.ts';
import { ms, seconds } from '../../../../stack/time.ts';
import { type Algorithm, Subject } from './subject.ts';

const INITIAL_SSTHRESH = 0x3fffffff;

/** One situation for all algorithms: what happens, and cwnd and ssthresh (where they mean something) after it. */
interface Case {
  readonly title: string;
  readonly tcp?: Partial<TcpSettings>;
  readonly happens: (subject: Subject) => unknown;
  readonly newreno: Windows;
  readonly cubic: Windows;
  /** cwnd alone. */
  readonly bbr: number;
}

type Windows = readonly [cwnd: number, ssthresh: number];

const same = (cwnd: number, ssthresh: number = INITIAL_SSTHRESH): Pick<Case, 'newreno' | 'cubic'> => ({
  newreno: [cwnd, ssthresh],
  cubic: [cwnd, ssthresh],
});

const BEGINNING: readonly Case[] = [
  { title: 'ten segments at first [RFC 6928 2]', happens: (s) => s.open(), ...same(10_000), bbr: 10_000 },
  {
    title: 'two segments at first if they are very large [RFC 6928 2]',
    happens: (s) => s.open(9_000),
    ...same(18_000),
    bbr: 18_000,
  },
  {
    title: 'one segment at first after a lost SYN [RFC 5681 3.1]',
    happens: (s) => s.open(1_000, true),
    ...same(1_000),
    bbr: 1_000,
  },
  {
    title: 'a segment more for each that is acknowledged [RFC 5681 3.1, slow start]',
    happens: (s) => s.open().acks(4),
    ...same(14_000),
    bbr: 14_000,
  },
  {
    title: 'no more than L segments for one ACK [RFC 3465 2.2]',
    tcp: { abcLimit: 2 },
    happens: (s) => s.open().round(10_000),
    ...same(12_000),
    bbr: 20_000,
  },
  {
    title: 'one segment per ACK for what was sent again after a timeout [RFC 3465 2.3]',
    happens: (s) => s.open().ack(5_000, { afterTimeout: true }),
    ...same(11_000),
    bbr: 15_000,
  },
  {
    title: 'the end of slow start at ssthresh [RFC 5681 3.1]',
    tcp: { initialSsthresh: 12_000 },
    happens: (s) => s.open().ack(8_000),
    ...same(12_000, 12_000),
    bbr: 18_000,
  },
  {
    title: 'about a segment more for a window of ACKs in congestion avoidance [RFC 5681 3.1; RFC 9438 4.3]',
    tcp: { initialSsthresh: 10_000 },
    happens: (s) => s.open().acks(10),
    newreno: [11_000, 10_000],
    cubic: [10_958, 10_000],
    bbr: 20_000,
  },
  {
    title:
      'one more segment at most for an ACK that covers windows of data, CUBIC half a window [RFC 9438 4.2]',
    tcp: { initialSsthresh: 10_000 },
    happens: (s) =>
      s
        .open()
        .ack(1)
        .wait(seconds(3_600))
        .ack(2 ** 30),
    newreno: [11_000, 10_000],
    cubic: [15_000, 10_000],
    bbr: 4_000, // ProbeRTT, after an hour
  },
  {
    title: 'a round-trip time of zero, or none, for what it is',
    happens: (s) =>
      s
        .open()
        .ack(1_000, { srtt: ms(0), minRtt: ms(0), rtt: ms(0) })
        .ack(1_000, { srtt: undefined, rtt: undefined }),
    ...same(12_000),
    bbr: 12_000,
  },
];

const LOSSES: readonly Case[] = [
  {
    title:
      'a half less after a loss, CUBIC three tenths, with the three duplicates on top [RFC 5681 3.2; RFC 9438 4.6]',
    happens: (s) => s.open().loss(),
    newreno: [8_000, 5_000],
    cubic: [10_000, 7_000],
    bbr: 10_000,
  },
  {
    title: 'two segments as the least ssthresh [RFC 5681 3.1, equation 4]',
    happens: (s) => s.open().loss(1_000),
    ...same(5_000, 2_000),
    bbr: 10_000,
  },
  {
    title: 'a mark like a loss, but with nothing gone from the network [RFC 3168 6.1.2]',
    happens: (s) => s.open().control.enterRecovery(10_000, s.now, 'ecn'),
    newreno: [5_000, 5_000],
    cubic: [7_000, 7_000],
    bbr: 10_000,
  },
  {
    title: 'one segment as the least after a mark [RFC 3168 6.1.2; RFC 9438 4.6]',
    happens: (s) => s.open().control.enterRecovery(1_000, s.now, 'ecn'),
    ...same(1_000, 2_000),
    bbr: 10_000,
  },
  {
    title:
      'a segment more per duplicate, less what a partial ACK covers, ssthresh in the end [RFC 5681 3.2; RFC 6582 3.2]',
    happens: (s) => {
      s.open().loss().control.duplicateAck();
      s.control.partialAck(3_000);
      s.control.exitRecovery(20_000);
    },
    newreno: [5_000, 5_000],
    cubic: [7_000, 7_000],
    bbr: 10_000,
  },
  {
    title: 'what is out and one segment after recovery, if that is less than ssthresh [RFC 6582 3.2, step 3]',
    happens: (s) => s.open().loss().control.exitRecovery(2_000),
    newreno: [3_000, 5_000],
    cubic: [3_000, 7_000],
    bbr: 10_000,
  },
  {
    title: 'a segment at least, whatever a partial ACK covers [RFC 6582 3.2]',
    happens: (s) =>
      s
        .open()
        .loss()
        .control.partialAck(2 ** 30),
    newreno: [1_000, 5_000],
    cubic: [1_000, 7_000],
    bbr: 10_000,
  },
  {
    title: 'a second reduction for a loss in the next window [RFC 5681 3.2]',
    happens: (s) => {
      s.open().loss().control.exitRecovery(10_000);
      s.loss();
    },
    newreno: [5_500, 2_500],
    cubic: [7_900, 4_900],
    bbr: 10_000,
  },
  {
    title: 'one segment after a timeout [RFC 5681 3.1; draft-ietf-ccwg-bbr 5.6.4.4]',
    happens: (s) => s.open().timeout(),
    newreno: [1_000, 5_000],
    cubic: [1_000, 7_000],
    bbr: 1_000,
  },
  {
    title: 'ssthresh as it was after a further timeout of the same segment [RFC 5681 3.1]',
    happens: (s) => s.open().timeout().timeout(1_000, false),
    newreno: [1_000, 5_000],
    cubic: [1_000, 7_000],
    bbr: 1_000,
  },
  {
    title:
      'the old windows after a loss that was none [RFC 4015 3.2; RFC 9438 4.9; draft-ietf-ccwg-bbr 5.5.11]',
    happens: (s) => s.open().acks(5).loss().control.undo(),
    ...same(15_000),
    bbr: 15_000,
  },
  {
    title: 'the old windows after a timeout that was none, also after it backed off [RFC 4015 3.2]',
    happens: (s) => s.open().acks(5).timeout().timeout(1_000, false).control.undo(),
    ...same(15_000),
    bbr: 15_000,
  },
  {
    title: 'no window undone twice [RFC 4015 3.2]',
    happens: (s) => {
      s.open().loss().control.undo();
      s.control.exitRecovery(1_000);
      s.control.undo();
    },
    ...same(2_000),
    bbr: 10_000,
  },
  {
    title: 'nothing undone that was not done',
    happens: (s) => s.open().control.undo(),
    ...same(10_000),
    bbr: 10_000,
  },
];

const REST: readonly Case[] = [
  {
    title: 'the initial window after idle time, BBR what it has [RFC 5681 4.1; draft-ietf-ccwg-bbr 5.4.1]',
    happens: (s) => s.open().acks(30).control.restartAfterIdle(seconds(3), seconds(1)),
    ...same(10_000),
    bbr: 40_000,
  },
  {
    title: 'half of the window for each RTO without data, and ssthresh to come back to [RFC 2861 3]',
    tcp: { cwndValidation: true },
    happens: (s) => s.open().acks(70).control.restartAfterIdle(seconds(2), seconds(1)),
    ...same(20_000),
    bbr: 80_000,
  },
  {
    title: 'no less than the initial window after long idle time [RFC 5681 4.1]',
    tcp: { cwndValidation: true },
    happens: (s) => s.open().acks(70).control.restartAfterIdle(seconds(3_600), seconds(1)),
    ...same(10_000),
    bbr: 80_000,
  },
  {
    title: 'no growth of a window that is not used [RFC 5681 3.1; RFC 9438 5.8]',
    happens: (s) => s.open().acks(5, { limited: false }),
    ...same(10_000),
    bbr: 15_000,
  },
  {
    title: 'a window that was not used for an RTO half of the way to what was [RFC 2861 3]',
    tcp: { cwndValidation: true },
    happens: (s) => {
      s.open().acks(50);
      s.ack(1_000, { limited: false, priorInFlight: 20_000 }).wait(seconds(1));
      s.ack(1_000, { limited: false, priorInFlight: 5_000 });
    },
    ...same(40_000),
    bbr: 62_000,
  },
  {
    title: 'a window that was used in between as it is [RFC 2861 3]',
    tcp: { cwndValidation: true, initialSsthresh: 10_000 },
    happens: (s) => {
      s.open().ack(1_000, { limited: false }).wait(ms(600));
      s.ack(10, { limited: true }).wait(ms(600));
      s.ack(1_000, { limited: false });
    },
    newreno: [10_000, 10_000],
    cubic: [10_001, 10_000],
    bbr: 12_010,
  },
  {
    title: 'as many segments as before of a smaller size [RFC 5681 3.1]',
    happens: (s) => s.open().control.mssChanged(500),
    ...same(5_000),
    bbr: 10_000,
  },
  {
    title: 'as many bytes as before of a larger size',
    happens: (s) => s.open().control.mssChanged(1_500),
    ...same(10_000),
    bbr: 10_000,
  },
  {
    title: 'one segment at least when that grows',
    happens: (s) => s.open(1_000, true).control.mssChanged(9_000),
    ...same(9_000),
    bbr: 9_000,
  },
];

/** Runs `cases` with `algorithm`. */
function check(algorithm: Algorithm, cases: readonly Case[]): void {
  it.each(cases)('$title', ({ tcp, happens, newreno, cubic, bbr }) => {
    const subject = new Subject(algorithm, tcp);
    happens(subject);
    const { cwnd, ssthresh } = subject.control;
    if (algorithm === 'bbr') expect(cwnd).toBe(bbr);
    else expect([cwnd, ssthresh]).toEqual(algorithm === 'cubic' ? cubic : newreno);
  });
}

describe.each<Algorithm>(['newreno', 'cubic', 'bbr'])('%s gives', (algorithm) => {
  check(algorithm, BEGINNING);
  check(algorithm, LOSSES);
  check(algorithm, REST);
});

it.each<Algorithm>(['newreno', 'cubic', 'bbr'])(
  '%s is what the setting names, and shows a phase [RFC 9293 MAY-18]',
  (algorithm) => {
    const { control } = new Subject(algorithm).open();
    expect(control.name).toBe(algorithm);
    expect(control.details()).toHaveProperty('phase', algorithm === 'bbr' ? 'Startup' : 'slow-start');
    expect(control.ownsWindow).toBe(algorithm === 'bbr');
  },
);
