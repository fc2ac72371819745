import { describe, expect, it } from 'vitest';
import { ms, seconds } from '../../../../stack/time.ts';
import { MSS, Path, type PathShape } from './path.ts';

/** What BBR was, and when: one entry for each change of its state. */
interface Phase {
  readonly phase: string;
  readonly at: number;
  readonly queue: number;
  readonly inFlight: number;
}

class BbrPath extends Path {
  readonly phases: Phase[] = [];

  constructor(shape: Partial<PathShape> = {}, seed: number = 1) {
    super(shape, { congestion: 'bbr' }, seed);
    this.watch = (): void => this.#note();
    this.#note();
  }

  #note(): void {
    const phase = this.phase;
    if (this.phases.at(-1)?.phase === phase) return;
    this.phases.push({ phase, at: this.now / 1e6, queue: this.queue, inFlight: this.inFlight });
  }

  get phase(): string {
    return String(this.control.details()['phase']);
  }

  /** A number of the model's. */
  number(name: string): number {
    return Number(this.control.details()[name]);
  }

  /** Runs until `phase` is entered (once more); at most 30 s. */
  until(phase: string): this {
    const count = this.phases.filter((one) => one.phase === phase).length;
    const limit = this.now + 30_000_000;
    while (this.phases.filter((one) => one.phase === phase).length === count) {
      expect(this.now).toBeLessThan(limit);
      this.run((this.now + 1_000) as never);
    }
    return this;
  }

  /** Bytes per second over the next `time`. */
  throughput(time: number): number {
    const before = this.goodput;
    this.run((this.now + time) as never);
    return ((this.goodput - before) * 1e6) / time;
  }
}

describe('the model', () => {
  it.each([
    { rate: 40_000, rtt: ms(300), buffer: 60_000 },
    { rate: 125_000, rtt: ms(200), buffer: 50_000 },
    { rate: 1_250_000, rtt: ms(40), buffer: 100_000 },
    { rate: 12_500_000, rtt: ms(10), buffer: 250_000 },
    { rate: 12_500_000, rtt: ms(100), buffer: 2_500_000 },
  ])(
    'finds a bottleneck of $rate bytes per second and a round trip of $rtt us to 5 % [draft-ietf-ccwg-bbr 5.5.2, 5.5.7]',
    (shape) => {
      const path = new BbrPath(shape);
      path.run(seconds(12));
      expect(Math.abs(path.number('maxBw') / shape.rate - 1)).toBeLessThan(0.05);
      const unloaded = shape.rtt + (MSS * 1e6) / shape.rate;
      expect(Math.abs(path.number('minRtt') / unloaded - 1)).toBeLessThan(0.05);
      expect(path.throughput(10_000_000) / shape.rate).toBeGreaterThan(0.9);
      expect(path.retransmissions).toBe(0);
    },
  );

  it('sees through ACKs that come in bunches, and allows for them [draft-ietf-ccwg-bbr 5.5.9]', () => {
    const single = new BbrPath({ rate: 12_500_000 });
    const bunched = new BbrPath({ rate: 12_500_000, ackEvery: 40 });
    single.run(seconds(4));
    bunched.run(seconds(4));
    expect(Math.abs(bunched.number('maxBw') / 12_500_000 - 1)).toBeLessThan(0.05);
    expect(bunched.number('extraAcked')).toBeGreaterThan(30 * MSS);
    expect(single.number('extraAcked')).toBeLessThan(5 * MSS);
    expect(bunched.throughput(4_000_000) / 12_500_000).toBeGreaterThan(0.9);
  });

  it('finds ten times the bandwidth in a few probes, when it comes up [draft-ietf-ccwg-bbr 5.3.3.5]', () => {
    const path = new BbrPath({ rate: 1_250_000, buffer: 1_000_000 });
    path.run(seconds(6));
    path.shape.rate = 12_500_000;
    path.run(seconds(20));
    expect(Math.abs(path.number('maxBw') / 12_500_000 - 1)).toBeLessThan(0.05);
    expect(path.throughput(5_000_000) / 12_500_000).toBeGreaterThan(0.88);
  });

  it('comes down to a tenth: at once by the short-term model, for good after two cycles [draft-ietf-ccwg-bbr 5.5.6, 5.5.10.3]', () => {
    const path = new BbrPath({ rate: 12_500_000, buffer: 250_000 }).until('ProbeBW_CRUISE');
    path.shape.rate = 1_250_000;
    path.run((path.now + 1_500_000) as never);
    expect(path.number('maxBw')).toBeGreaterThan(10_000_000);
    expect(path.number('bwShortterm')).toBeLessThan(12_500_000 * 0.7 ** 3);
    path.run(seconds(20));
    expect(Math.abs(path.number('maxBw') / 1_250_000 - 1)).toBeLessThan(0.05);
    expect(path.throughput(10_000_000) / 1_250_000).toBeGreaterThan(0.9);
  });
});

describe('Startup', () => {
  it('doubles each round and ends three rounds after the plateau, with a queue that Drain drains [draft-ietf-ccwg-bbr 5.3.1.2, 5.3.2]', () => {
    const path = new BbrPath().until('ProbeBW_CRUISE');
    const [startup, drain, cruise] = path.phases; // DOWN ends with the ACK that began it: the queue is gone
    expect([startup?.phase, drain?.phase, cruise?.phase]).toEqual(['Startup', 'Drain', 'ProbeBW_CRUISE']);
    expect(drain?.at).toBeLessThan(0.6); // 10 segments to 50: three rounds; and the plateau
    expect(drain?.queue).toBeGreaterThan(path.bdp / 2);
    expect(cruise?.queue).toBeLessThan(path.bdp / 10);
    expect(cruise?.inFlight).toBeLessThanOrEqual(path.bdp * 1.1);
    expect(path.number('pacingGain')).toBe(1);
  });

  it('paces at half of the bandwidth in Drain [draft-ietf-ccwg-bbr 5.3.2]', () => {
    const path = new BbrPath().until('Drain');
    expect(path.number('pacingGain')).toBe(0.5);
    expect(path.control.pacingRate).toBeCloseTo(0.5 * 0.99 * path.number('bw'), -1);
  });

  it('leaves Drain after three rounds though too much is in flight [draft-ietf-ccwg-bbr 5.3.2]', () => {
    const path = new BbrPath().until('Drain');
    path.shape.rate = 300_000; // a fourth: pacing at a half does not drain anything
    path.until('ProbeBW_DOWN');
    expect(path.inFlight).toBeGreaterThan(1.1 * 50 * MSS);
  });

  it('ends when a full round of recovery loses too much in six places, and takes note of how much was too much [draft-ietf-ccwg-bbr 5.3.1.3]', () => {
    const path = new BbrPath({ loss: 1_000 }).until('Drain');
    expect(path.number('rounds')).toBeLessThan(10);
    expect(path.number('inflightLongterm')).toBeGreaterThan(0);
  });

  it('goes on for as long as the program is the limit, and nothing is lost [draft-ietf-ccwg-bbr, Example Test Cases]', () => {
    const path = new BbrPath();
    path.backlog = 0;
    for (let at = 0; at < 4_000; at += 20) {
      path.write(5 * MSS);
      path.run(ms(at));
    }
    expect(path.phase).toBe('Startup');
    expect(path.goodput).toBeGreaterThan(900 * MSS);
  });

  it('comes back after a ProbeRTT in between [draft-ietf-ccwg-bbr 5.3.4.4]', () => {
    const path = new BbrPath();
    path.backlog = 0;
    for (let at = 0; at < 8_000; at += 10) {
      path.write(2 * MSS);
      path.run(ms(at));
    }
    const names = path.phases.map(({ phase }) => phase);
    expect(names).toEqual(['Startup', 'ProbeRTT', 'Startup']);
  });
});

describe('ProbeBW', () => {
  it('goes round DOWN, CRUISE, REFILL and UP every two to three seconds at most [draft-ietf-ccwg-bbr 5.3.3]', () => {
    const path = new BbrPath({ rtt: ms(100), rate: 1_250_000, buffer: 400_000 });
    path.run(seconds(30));
    const names = path.phases.map(({ phase }) => phase);
    expect(names.filter((name) => name === 'ProbeBW_UP').length).toBeGreaterThanOrEqual(6);
    const allowed: Record<string, string[]> = {
      Startup: ['Drain', 'ProbeRTT'],
      Drain: ['ProbeBW_DOWN', 'ProbeBW_CRUISE', 'ProbeRTT'],
      ProbeBW_DOWN: ['ProbeBW_CRUISE', 'ProbeBW_REFILL', 'ProbeRTT'],
      ProbeBW_CRUISE: ['ProbeBW_REFILL', 'ProbeRTT'],
      ProbeBW_REFILL: ['ProbeBW_UP', 'ProbeRTT'],
      ProbeBW_UP: ['ProbeBW_DOWN', 'ProbeBW_CRUISE', 'ProbeRTT'],
      ProbeRTT: ['ProbeBW_CRUISE', 'ProbeBW_REFILL', 'Startup'],
    };
    for (const [index, name] of names.slice(1).entries()) expect(allowed[names[index] ?? '']).toContain(name);
    // 2 to 3 s after a cycle began, with DOWN or what comes in its place, REFILL follows, unless ProbeRTT comes between.
    const waits = path.phases.flatMap(({ phase, at }, index) => {
      const begins = phase === 'ProbeBW_DOWN' || /Drain|ProbeRTT/.test(names[index - 1] ?? '');
      const next = path.phases.slice(index).find((one) => /REFILL|RTT/.test(one.phase));
      return begins && next?.phase === 'ProbeBW_REFILL' ? [next.at - at] : [];
    });
    expect(waits.length).toBeGreaterThan(4);
    expect(Math.min(...waits)).toBeGreaterThan(2);
    expect(Math.max(...waits)).toBeLessThan(3.1);
  });

  it('probes as often as Reno would fill the pipe, if that is sooner [draft-ietf-ccwg-bbr 5.3.3.8.3]', () => {
    // 12 segments make the pipe: 12 rounds of about 13 ms.
    const path = new BbrPath({ rate: 1_000_000, rtt: ms(12) }).until('ProbeBW_CRUISE');
    const from = path.now;
    path.until('ProbeBW_REFILL');
    expect(path.now - from).toBeLessThan(400_000);
  });

  it('ends UP at a loss, and remembers what was too much [draft-ietf-ccwg-bbr 5.5.10.2]', () => {
    const path = new BbrPath({ buffer: 15_000 }).until('ProbeBW_UP').until('ProbeBW_DOWN');
    expect(path.retransmissions).toBeGreaterThan(0);
    const longterm = path.number('inflightLongterm');
    expect(longterm).toBeGreaterThan(path.bdp * 0.7);
    expect(longterm).toBeLessThan(path.bdp + 2 * 15_000);
    path.until('ProbeBW_CRUISE');
    expect(path.control.cwnd).toBeLessThanOrEqual(longterm * 0.85); // headroom for others
  });

  it('keeps four segments in flight where less than one fits the pipe [draft-ietf-ccwg-bbr 5.6.4.3]', () => {
    const path = new BbrPath({ rate: 50_000, rtt: ms(5), buffer: 20_000, ackEvery: 2 });
    path.run(seconds(10));
    expect(path.control.cwnd).toBeGreaterThanOrEqual(4 * MSS);
    expect(path.throughput(10_000_000)).toBeGreaterThan(45_000);
  });
});

describe('ProbeRTT', () => {
  it('comes every five seconds, for 200 ms and a round, with half of the pipe in flight [draft-ietf-ccwg-bbr 5.3.4]', () => {
    const path = new BbrPath();
    path.run(seconds(30));
    const { phases } = path;
    const probes = phases.flatMap(({ phase, at }, index) =>
      phase === 'ProbeRTT' ? [{ at, end: phases[index + 1]?.at ?? 30 }] : [],
    );
    expect(probes.length).toBeGreaterThanOrEqual(5);
    for (const [index, { at, end }] of probes.entries()) {
      expect(end - at).toBeGreaterThan(0.2);
      expect(end - at).toBeLessThan(0.4);
      if (index === 0) continue;
      const gap = at - (probes[index - 1]?.end ?? 0);
      expect(gap).toBeGreaterThan(4.9);
      expect(gap).toBeLessThan(5.5);
    }
    path.until('ProbeRTT');
    expect(path.control.cwnd).toBeLessThan(path.bdp * 0.55);
    path.until('ProbeBW_CRUISE');
    expect(path.control.cwnd).toBeGreaterThan(path.bdp * 1.5);
  });

  it('is not needed after idle time [draft-ietf-ccwg-bbr 5.4.1]', () => {
    const path = new BbrPath().until('ProbeBW_CRUISE');
    path.backlog = 0;
    path.run((path.now + 6_000_000) as never);
    const { cwnd } = path.control;
    path.write(1_000 * MSS);
    path.run((path.now + 200_000) as never);
    expect(path.phases.map(({ phase }) => phase)).not.toContain('ProbeRTT');
    expect(path.control.cwnd).toBeGreaterThan(cwnd * 0.9);
  });
});

describe('losses', () => {
  it('of 1 % by chance cost a tenth, where NewReno and CUBIC lose four fifths [draft-ietf-ccwg-bbr 5.3.3.8.3]', () => {
    const shape = { rtt: ms(100), buffer: 125_000 };
    const shares: Record<string, number> = { bbr: 0, newreno: 0, cubic: 0 };
    for (const seed of [1, 2, 3]) {
      const clean = new Path(shape, { congestion: 'bbr' }, seed);
      clean.run(seconds(30));
      for (const congestion of ['bbr', 'newreno', 'cubic'] as const) {
        const lossy = new Path({ ...shape, loss: 100 }, { congestion }, seed);
        lossy.run(seconds(30));
        expect(lossy.retransmissions).toBeGreaterThan(20);
        shares[congestion] = (shares[congestion] ?? 0) + lossy.goodput / clean.goodput / 3;
      }
    }
    expect(shares['bbr']).toBeGreaterThan(0.9);
    expect(shares['newreno']).toBeLessThan(0.2);
    expect(shares['cubic']).toBeLessThan(0.2);
  });

  it('of 1 % by chance leave a fat path more than four fifths full [draft-ietf-ccwg-bbr 5.3.3.8.3]', () => {
    const path = new Path(
      { rate: 12_500_000, rtt: ms(100), buffer: 1_250_000, loss: 100 },
      { congestion: 'bbr' },
    );
    path.run(seconds(15));
    expect(path.goodput / 15 / 12_500_000).toBeGreaterThan(0.8);
  });

  it('slow it down by what the path still delivers, but by three tenths a round at most [draft-ietf-ccwg-bbr 5.5.10.3]', () => {
    const path = new BbrPath().until('ProbeBW_CRUISE');
    path.shape.loss = 5_000;
    path.run((path.now + 100_000) as never);
    expect(path.number('bwShortterm')).toBeLessThan(1_200_000);
    expect(path.number('bwShortterm')).toBeGreaterThan(1_250_000 * 0.7 ** 3);
    path.shape.loss = 0;
    path.until('ProbeBW_REFILL');
    expect(path.control.details()['bwShortterm']).toBeUndefined();
  });

  it('that were none bring back Startup [draft-ietf-ccwg-bbr 5.5.11.2]', () => {
    const path = new BbrPath({ loss: 1_000 }).until('Drain');
    const { cwnd } = path.control;
    path.control.undo();
    expect(path.phase).toBe('Startup');
    expect(path.control.cwnd).toBeGreaterThanOrEqual(cwnd);
    expect(path.control.details()).toMatchObject({ fullBwReached: false, inflightLongterm: undefined });
  });

  it('that were none bring back the probe that they ended [draft-ietf-ccwg-bbr 5.5.11.2]', () => {
    const path = new BbrPath({ buffer: 15_000 }).until('ProbeBW_UP').until('ProbeBW_DOWN');
    path.control.undo();
    expect(path.phase).toBe('ProbeBW_REFILL');
    expect(path.control.details()['bwShortterm']).toBeUndefined();
  });

  it('of everything leave one segment, and the window is back with the recovery [draft-ietf-ccwg-bbr 5.6.4.4]', () => {
    const path = new BbrPath().until('ProbeBW_CRUISE');
    const { cwnd } = path.control;
    path.shape.loss = 10_000;
    path.run((path.now + 1_100_000) as never);
    expect(path.control.cwnd).toBe(MSS);
    path.shape.loss = 0;
    path.run((path.now + 3_000_000) as never);
    expect(path.control.cwnd).toBeGreaterThan(cwnd * 0.8);
    expect(path.throughput(5_000_000) / 1_250_000).toBeGreaterThan(0.9);
  });

  it('to a policer do not go on for ever: the rate settles below it [draft-ietf-ccwg-bbr, Example Test Cases]', () => {
    const path = new BbrPath({ buffer: 5_000 });
    path.run(seconds(10));
    const before = path.retransmissions;
    expect(path.throughput(20_000_000) / 1_250_000).toBeGreaterThan(0.8);
    expect((path.retransmissions - before) / (20 * 1_250)).toBeLessThan(0.02);
  });
});
