import { describe, expect, it } from 'vitest';
import { SackRecovery } from '../../../stack/tcp/sack-recovery.ts';
import { Bench, established } from './harness.ts';

const MSS = 1_000;
const SACK = `<MSS=${MSS}><SACKOK>`;

/** A bench with SACK, established at 100 ms, which is the round-trip time. */
function open(tcp: object = {}, more: string = ''): Bench {
  const bench = new Bench({ tcp: { congestion: 'newreno', ...tcp } }).connect().at(100);
  return bench.arrives(`<SEQ=0><ACK=1><CTL=SYN,ACK>${SACK}${more}`).ignore();
}
/** Ten segments of 1,000 bytes out. */
function ten(tcp: object = {}, unsent: number = 0): Bench {
  const bench = open(tcp).write(10 * MSS + unsent);
  expect(bench.sent()).toHaveLength(10);
  return bench;
}
const at = (segment: number): number => 1 + segment * MSS;
/** An ACK for everything before segment `ack` with blocks of whole segments `[from, to)`. */
function ack(to: number, ...blocks: [number, number][]): string {
  const sack = blocks.map(([from, end]) => `${at(from)}-${at(end)}`).join(',');
  return `<SEQ=1><ACK=${at(to)}><CTL=ACK>${sack === '' ? '' : `<SACK=${sack}>`}`;
}
const segment = (index: number): string => `<SEQ=${at(index)}><ACK=1><CTL=ACK><DATA=${MSS}>`;
const state = (bench: Bench): string => bench.connection.recovery.state;

describe('blocks that cannot be', () => {
  it('are passed over: of what was never sent, back to front, empty [RFC 2018 5]', () => {
    const bench = ten();
    bench.arrives(
      ack(0, [9, 11]),
      ack(0, [5, 4]),
      ack(0, [3, 3]),
      `<SEQ=1><ACK=${at(0)}><CTL=ACK><SACK=0-5>`,
    );
    const { scoreboard } = bench.connection.sender;
    expect(scoreboard.sackedBytes).toBe(0);
    bench.sends();
  });
});

describe('losses are found by time [RFC 8985 6]', () => {
  it('at once, if three segments that left later have arrived and nothing was ever reordered [6.2, step 4]', () => {
    const bench = ten()
      .at(200)
      .arrives(ack(0, [1, 4]))
      .sends(segment(0));
    expect([state(bench), bench.info('ssthresh')]).toEqual(['Recovery', 5 * MSS]);
  });

  it('after a quarter of the smallest round-trip time, with less than three [6.2, step 5]', () => {
    const bench = ten()
      .at(200)
      .arrives(ack(0, [1, 2]))
      .sends();
    expect([state(bench), bench.timer('reordering')]).toEqual(['Disorder', 25]);
    bench.sendsAt(225, segment(0));
    expect(state(bench)).toBe('Recovery');
  });

  it('and not, if they come within that time: the path reorders, and from now on it waits [6.2, step 3]', () => {
    const bench = ten(undefined, 20 * MSS)
      .at(200)
      .arrives(ack(0, [1, 2]))
      .at(210)
      .arrives(ack(2))
      .ignore();
    expect(state(bench)).toBe('Open');
    bench.at(300).arrives(ack(2, [3, 9]));
    expect(state(bench)).toBe('Disorder'); // three would be enough, had it not been so
    const { recovery } = bench.connection;
    expect(recovery instanceof SackRecovery && recovery.rack.reorderingSeen).toBe(true);
  });

  it('what one ACK reports is in ascending order, whatever the order of its blocks: that is no reordering [6.2, step 3]', () => {
    const seen = ({ connection: { recovery } }: Bench): boolean =>
      recovery instanceof SackRecovery && recovery.rack.reorderingSeen;
    const bench = ten()
      .at(200)
      .arrives(ack(2, [7, 8], [5, 6], [3, 4]));
    expect([seen(bench), state(bench)]).toEqual([false, 'Recovery']); // so three are enough, at once
    const late = ten()
      .at(200)
      .arrives(ack(0, [7, 8]), ack(0, [5, 6], [7, 8]));
    expect(seen(late)).toBe(true);
  });

  it('of a retransmission too [9.1, example 2]', () => {
    const bench = ten(undefined, 10 * MSS)
      .at(200)
      .arrives(ack(0, [1, 4]))
      .ignore(); // 0 again
    bench
      .at(250)
      .arrives(ack(0, [1, 10]))
      .ignore(); // new data leaves
    bench.at(350).arrives(ack(0, [1, 11])); // what left after it has arrived
    expect(bench.sent().some(({ header }) => (header.seq - bench.frame.iss) >>> 0 === at(0))).toBe(true);
  });

  it('with a window that D-SACK makes larger, one step a round trip, and 16 recoveries later not any more [6.2, step 4]', () => {
    const bench = ten(undefined, 40 * MSS);
    const { recovery } = bench.connection;
    if (!(recovery instanceof SackRecovery)) throw new Error('no SACK');
    bench
      .at(200)
      .arrives(ack(0, [1, 4]))
      .ignore();
    bench.at(210).arrives(`<SEQ=1><ACK=${at(4)}><CTL=ACK><SACK=${at(0)}-${at(1)}>`);
    expect(recovery.rack.multiplier).toBe(2);
    bench.at(211).arrives(`<SEQ=1><ACK=${at(4)}><CTL=ACK><SACK=${at(0)}-${at(1)}>`);
    expect(recovery.rack.multiplier).toBe(2); // within the same round trip
  });
});

describe('losses are found by counting, with RACK off [RFC 6675 4]', () => {
  const off = { rack: false, tailLossProbe: false };

  it('below three SACKed segments, or more than two segments’ worth of bytes', () => {
    const bench = ten(off)
      .at(200)
      .arrives(ack(0, [1, 2]))
      .arrives(ack(0, [1, 3]))
      .sends();
    bench.arrives(ack(0, [1, 4])).sends(segment(0));
    const apart = ten(off)
      .at(200)
      .arrives(ack(0, [2, 3]))
      .arrives(ack(0, [4, 5], [2, 3]))
      .sends();
    apart.arrives(ack(0, [6, 7], [4, 5], [2, 3])).sends(segment(0)); // only 0 and 1 lie below all three
    expect(apart.connection.sender.scoreboard.lostBytes).toBe(MSS);
  });

  it('and a lost retransmission is left to the timer', () => {
    const bench = ten(off, 10 * MSS)
      .at(200)
      .arrives(ack(0, [1, 4]))
      .ignore();
    for (let last = 5; last < 14; last++) bench.at(200 + last).arrives(ack(0, [1, last]));
    bench.ignore().at(1_199).sends();
    expect(state(bench)).toBe('Recovery');
    bench.at(1_201).sends(segment(0));
    expect(state(bench)).toBe('Loss');
  });
});

describe('recovery', () => {
  it('sends at the rate of delivery, down to ssthresh, without a pause or a burst [RFC 6937 3]', () => {
    const bench = open({ initialWindow: 20 }).write(60 * MSS);
    expect(bench.sent()).toHaveLength(20);
    bench.at(200);
    let sent = 0;
    const bursts: number[] = [];
    for (let last = 2; last <= 20; last++) {
      bench.arrives(ack(0, [1, last]));
      const now = bench.sent().length;
      bursts.push(now);
      sent += now;
    }
    expect(Math.max(...bursts)).toBeLessThanOrEqual(2);
    expect(sent).toBeGreaterThanOrEqual(9);
    expect(sent).toBeLessThanOrEqual(11); // half of the twenty
    bench.at(300).arrives(ack(22));
    expect([state(bench), bench.info('cwnd'), bench.info('ssthresh')]).toEqual(['Open', 10 * MSS, 10 * MSS]);
  });

  it('that a timer began replaces what is delivered afterwards one by one [RFC 9937]', () => {
    const bench = ten()
      .at(200)
      .arrives(ack(0, [5, 6]))
      .sendsAt(225, segment(0));
    bench
      .at(230)
      .arrives(ack(0, [5, 7]))
      .sends(segment(1));
  });

  it('without PRR falls to half at once and waits until pipe is below [RFC 6675 5]', () => {
    const bench = ten({ proportionalRateReduction: false }, 10 * MSS)
      .at(200)
      .arrives(ack(0, [1, 4]));
    bench.sends(); // pipe is 6 segments and more, cwnd 5
    bench.arrives(ack(0, [1, 6])).sends(segment(0));
  });

  it('repairs every hole, lowest first, and ends with what was out when it began [RFC 6675 5]', () => {
    const bench = ten(undefined, 5 * MSS).at(200);
    bench.arrives(ack(0, [1, 3], [4, 6], [7, 10])).arrives(ack(0, [1, 3], [4, 6], [7, 10]));
    const seqs = bench.sent().map(({ header }) => ((header.seq - bench.frame.iss) >>> 0) - 1);
    expect(seqs.slice(0, 3)).toEqual([0, 3 * MSS, 6 * MSS]);
    bench.at(300).arrives(ack(10));
    expect([state(bench), bench.info('cwnd')]).toEqual(['Open', 5 * MSS]);
  });

  it('reduces the window once for each window of data [RFC 5681 3.2; RFC 6675 5]', () => {
    const bench = ten(undefined, 20 * MSS)
      .at(200)
      .arrives(ack(0, [1, 4]))
      .arrives(ack(0, [1, 4], [5, 8]));
    expect(bench.info('ssthresh')).toBe(5 * MSS);
  });

  it('begins again at once with a loss of later data', () => {
    const bench = ten(undefined, 20 * MSS)
      .at(200)
      .arrives(ack(0, [1, 10]))
      .ignore();
    bench.at(300).arrives(ack(10, [11, 14]));
    expect(state(bench)).toBe('Recovery');
  });
});

describe('the tail [RFC 8985 7]', () => {
  it('is probed after two round trips: the last segment again [RFC 8985 7.2, 7.3]', () => {
    const bench = ten();
    expect(bench.timer('loss-probe')).toBe(202);
    bench.sendsAt(302, segment(9));
    expect(bench.timer('retransmission')).toBe(1_000);
    bench.at(402).arrives(ack(0, [9, 10])); // RACK: eight segments left before it
    expect(bench.sent()).not.toHaveLength(0);
    expect(state(bench)).toBe('Recovery');
  });

  it('is probed with new data if there is some, beyond cwnd [7.3]', () => {
    ten(undefined, 5 * MSS).sendsAt(302, segment(10));
  });

  it('of one segment waits for a delayed ACK as well [7.2]', () => {
    const bench = open().write(100).ignore();
    expect(bench.timer('loss-probe')).toBe(400);
  });

  it('is probed once, then the retransmission timer goes off [7.3]', () => {
    const bench = ten().at(302).ignore();
    expect(bench.timer('loss-probe')).toBeUndefined();
    bench.silentUntil(1_301).at(1_303);
    expect(state(bench)).toBe('Loss');
  });

  it('repaired by its probe is still a loss to congestion control [7.4.2]', () => {
    const bench = ten(undefined).at(200).arrives(ack(9)).at(402).ignore();
    bench.at(600);
    bench.does((each) => each.setNoDelay(true)).write(10); // TLP.end_seq is passed
    const before = bench.info('cwnd');
    bench.at(700).arrives(`<SEQ=1><ACK=${at(10) + 10}><CTL=ACK>`);
    expect(bench.info('cwnd')).toBeLessThan(before);
  });

  it('that had not been lost, by a D-SACK, is none [7.4.2, case 1]', () => {
    const bench = ten().at(200).arrives(ack(9)).at(402).ignore();
    const before = bench.info('cwnd');
    bench.at(500).arrives(`<SEQ=1><ACK=${at(10)}><CTL=ACK><SACK=${at(9)}-${at(10)}>`);
    expect(bench.info('cwnd')).toBeGreaterThanOrEqual(before);
  });

  it('is not probed without SACK, or by a setting', () => {
    expect(ten({ tailLossProbe: false }).timer('loss-probe')).toBeUndefined();
    expect(established({}, `<MSS=${MSS}>`).write(100).timer('loss-probe')).toBeUndefined();
  });
});

describe('a timeout', () => {
  const quiet = { tailLossProbe: false };

  it('counts as lost what left long enough ago, and keeps what was SACKed [RFC 8985 6.3; RFC 6675 5.1]', () => {
    const bench = ten(quiet)
      .at(200)
      .arrives(ack(0, [9, 10]))
      .at(226)
      .ignore(); // recovery: 0 again …
    bench.at(1_226);
    expect(state(bench)).toBe('Loss');
    expect(bench.connection.sender.scoreboard.sackedBytes).toBe(MSS);
  });

  it('forgets SACKs if the segment at SND.UNA was SACKed: the peer reneged [RFC 2018 8]', () => {
    const bench = ten(quiet)
      .at(200)
      .arrives(ack(0, [1, 10]))
      .at(300);
    bench.arrives(ack(1)).ignore(); // and nothing more: what was SACKed is gone
    expect(bench.connection.sender.scoreboard.sackedBytes).toBe(9 * MSS);
    bench.at(1_301).sends(segment(1));
    expect(bench.connection.sender.scoreboard.sackedBytes).toBe(0);
    bench.at(1_400).arrives(ack(2)).sends(segment(2), segment(3));
  });

  it('that was spurious is found by F-RTO: the second ACK is for what was not sent again [RFC 5682 3.1]', () => {
    const bench = ten(quiet, 10 * MSS)
      .at(1_101)
      .sends(segment(0)); // all ACKs are late
    expect(bench.info('cwnd')).toBe(MSS);
    bench.at(1_110).arrives(ack(1)).sends(segment(10), segment(11)); // new data, not 1 again
    bench.at(1_120).arrives(ack(2));
    expect([state(bench), bench.info('cwnd')]).toEqual(['Open', 11 * MSS]);
    expect(bench.connection.sender.scoreboard.lostBytes).toBe(0);
  });

  it('that was not is found too: the second ACK is a duplicate [RFC 5682 3.1, step 3 a]', () => {
    const bench = ten(quiet, 10 * MSS)
      .at(1_101)
      .ignore();
    bench.at(1_110).arrives(ack(1)).ignore();
    bench.at(1_210).arrives(ack(1, [10, 11]));
    expect(state(bench)).toBe('Loss');
    expect((bench.sent()[0]?.header.seq ?? 0) - bench.frame.iss).toBe(at(1));
  });

  it('waits for what was sent again to be acknowledged; duplicates before tell the scoreboard only [RFC 5682 3.1, step 2]', () => {
    const bench = ten(quiet, 10 * MSS)
      .at(1_101)
      .ignore();
    bench
      .at(1_110)
      .arrives(ack(0, [1, 2]))
      .sends();
    bench.at(1_120).arrives(ack(2)).sends(segment(10), segment(11));
    bench.at(1_130).arrives(ack(3));
    expect([state(bench), bench.info('cwnd')]).toEqual(['Open', 11 * MSS]);
  });

  it('starts F-RTO again if it repeats itself [RFC 5682 3.1]', () => {
    const bench = ten(quiet, 10 * MSS)
      .at(1_101)
      .at(3_102)
      .ignore();
    bench.at(3_110).arrives(ack(1)).sends(segment(10), segment(11));
    bench.at(3_120).arrives(ack(2));
    expect([state(bench), bench.info('cwnd')]).toEqual(['Open', 11 * MSS]);
  });

  it('with nothing new to send goes the conventional way [RFC 5682 3.1, step 2 b]', () => {
    ten(quiet).at(1_101).sends(segment(0)).at(1_200).arrives(ack(1)).sends(segment(1), segment(2));
  });

  it('that interrupts a recovery is not judged by F-RTO [RFC 5682 3.1, step 1]', () => {
    const bench = ten(quiet, 10 * MSS)
      .at(200)
      .arrives(ack(0, [1, 4]))
      .at(1_200)
      .at(1_201)
      .ignore();
    bench.at(1_300).arrives(ack(4)).ignore();
    expect(bench.connection.sender.holdLost).toBe(false);
  });
});

describe('what was done for nothing is undone', () => {
  it('on the word of D-SACKs for all that was sent again [RFC 3708; RFC 4015 3.2]', () => {
    const bench = ten()
      .at(200)
      .arrives(ack(0, [1, 4]))
      .ignore();
    expect(bench.info('ssthresh')).toBe(5 * MSS);
    bench.at(210).arrives(ack(10)); // the original came late
    bench.at(300).arrives(`<SEQ=1><ACK=${at(10)}><CTL=ACK><SACK=${at(0)}-${at(1)}>`);
    expect(bench.info('cwnd')).toBeGreaterThanOrEqual(10 * MSS);
    expect(bench.info('ssthresh')).toBeGreaterThan(10 * MSS);
  });

  it('on the word of a timestamp that is older than the retransmission [RFC 3522 3.2]', () => {
    const stamped = { timestamps: true, tailLossProbe: false };
    const bench = open(stamped, '<TS=1/0>').write(10 * 988);
    expect(bench.sent()).toHaveLength(10);
    bench.at(1_101);
    expect([state(bench), bench.sent().length]).toEqual(['Loss', 1]);
    bench.at(1_110).arrives('<SEQ=1><ACK=989><CTL=ACK><TS=2/100>'); // of the first transmission
    expect([state(bench), bench.info('cwnd')]).toEqual(['Open', 11 * 988]);
    bench.sends();
  });

  it('and not, if the retransmission is echoed [RFC 3522 3.2]', () => {
    const stamped = { timestamps: true, tailLossProbe: false };
    const bench = established({ tcp: stamped }, `${SACK}<TS=1/0>`)
      .write(10 * 988)
      .at(1_001)
      .ignore();
    bench.at(1_101).arrives('<SEQ=1><ACK=989><CTL=ACK><TS=2/1001>');
    expect(state(bench)).toBe('Loss');
  });

  it('or never, by a setting', () => {
    const bench = ten({ undo: false })
      .at(200)
      .arrives(ack(0, [1, 4]))
      .at(210)
      .arrives(ack(10));
    bench.at(300).arrives(`<SEQ=1><ACK=${at(10)}><CTL=ACK><SACK=${at(0)}-${at(1)}>`);
    expect(bench.info('ssthresh')).toBe(5 * MSS);
  });
});
