import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Scoreboard } from '../../../stack/tcp/scoreboard.ts';
import { SequencePages } from '../../../stack/tcp/sequence-pages.ts';
import { type SeqNumber, add, seq } from '../../../stack/tcp/sequence.ts';
import type { Instant } from '../../../stack/time.ts';

const MSS = 100;
/** Numbers wrap in every test. */
const START = seq(-1_050);
const place = (offset: number): SeqNumber => add(START, offset);
const now = (at: number): Instant => at as Instant;

/** What became of each segment, kept in the plainest way. */
class Model {
  readonly segments: ('flying' | 'sacked' | 'lost')[] = [];
  una: number = 0;

  count(state: 'flying' | 'sacked' | 'lost'): number {
    return this.segments.slice(this.una).filter((each) => each === state).length * MSS;
  }
}

type Action =
  | { readonly do: 'send'; readonly count: number }
  | { readonly do: 'again' | 'sack' | 'lose'; readonly from: number; readonly count: number }
  | { readonly do: 'ack'; readonly count: number }
  | { readonly do: 'all-lost' | 'none-lost' };

const action: fc.Arbitrary<Action> = fc.oneof(
  fc.record({ do: fc.constant('send' as const), count: fc.integer({ min: 1, max: 44 }) }),
  fc.record({
    do: fc.constantFrom('again' as const, 'sack' as const, 'lose' as const),
    from: fc.nat(200),
    count: fc.integer({ min: 1, max: 20 }),
  }),
  fc.record({ do: fc.constant('ack' as const), count: fc.nat(30) }),
  fc.record({ do: fc.constantFrom('all-lost' as const, 'none-lost' as const) }),
);

function perform(board: Scoreboard, model: Model, what: Action, at: number): void {
  const { segments, una } = model;
  switch (what.do) {
    case 'send': {
      const from = segments.length;
      for (let count = 0; count < what.count; count++) segments.push('flying');
      board.sent(place(from * MSS), place(segments.length * MSS), MSS, false, now(at));
      return;
    }
    case 'ack': {
      model.una = Math.min(una + what.count, segments.length);
      board.acknowledge(place(model.una * MSS));
      return;
    }
    case 'all-lost':
    case 'none-lost': {
      const [from, to] =
        what.do === 'all-lost' ? (['flying', 'lost'] as const) : (['lost', 'flying'] as const);
      for (let index = una; index < segments.length; index++)
        if (segments[index] === from) segments[index] = to;
      if (what.do === 'all-lost') board.markAllLost();
      else board.noneLost();
      return;
    }
    default: {
      const from = Math.min(una + what.from, segments.length);
      const to = Math.min(from + what.count, segments.length);
      if (from === to) return;
      if (what.do === 'sack') {
        const news = segments.slice(from, to).filter((each) => each !== 'sacked').length * MSS;
        for (let index = from; index < to; index++) segments[index] = 'sacked';
        expect(board.sack(place(from * MSS), place(to * MSS))).toBe(news);
      } else if (what.do === 'again') {
        for (let index = from; index < to; index++)
          if (segments[index] === 'lost') segments[index] = 'flying';
        board.sentAgain(place(from * MSS), place(to * MSS), MSS, now(at));
      } else {
        const record = board.find(place(from * MSS));
        if (record === undefined) return;
        for (let index = una; index < segments.length; index++) {
          const inside =
            ((place(index * MSS) - record.start) | 0) >= 0 && ((record.end - place(index * MSS)) | 0) > 0;
          if (inside && segments[index] === 'flying') segments[index] = 'lost';
        }
        board.markLost(record);
      }
    }
  }
}

describe('the scoreboard', () => {
  it('agrees with a list of segments after any sequence of events [RFC 6675 3; RFC 2018 5]', () => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
        const board = new Scoreboard();
        const model = new Model();
        for (const [index, each] of actions.entries()) {
          perform(board, model, each, index);
          expect(board.sackedBytes).toBe(model.count('sacked'));
          expect(board.lostBytes).toBe(model.count('lost'));
          expect(board.sackedSegments).toBe(model.count('sacked') / MSS);
          const lost = model.segments.indexOf('lost', model.una);
          expect(board.firstLost?.start).toBe(lost < 0 ? undefined : place(lost * MSS));
          let flying = 0;
          let order = 0;
          for (let record = board.oldest; record !== undefined; record = record.newer) {
            flying += record.length;
            expect(record.order).toBeGreaterThanOrEqual(order); // the order of time
            order = record.order;
          }
          expect(flying).toBe(model.count('flying'));
          let after = place(model.una * MSS);
          for (let record = board.first; record !== undefined; record = record.next) {
            expect(record.start).toBe(after); // the order of the sequence space, without a gap
            after = record.end;
          }
          expect(after).toBe(place(model.segments.length * MSS));
        }
      }),
      { numRuns: 300 },
    );
  });

  it('cuts a super-segment only between segments, whatever a block says (attacks.md A12)', () => {
    const board = new Scoreboard();
    board.sent(place(0), place(1_000), MSS, false, now(0));
    expect(board.sack(place(8), place(16))).toBe(0);
    expect(board.sack(place(150), place(399))).toBe(100);
    expect(board.length).toBe(3);
    expect(board.sack(place(0), place(1_000))).toBe(900);
    expect(board.length).toBe(1); // neighbours that were sacked are one
  });

  it('keeps a FIN with its segment', () => {
    const board = new Scoreboard();
    board.sent(place(0), place(201), MSS, true, now(0));
    expect(board.first?.segments).toBe(2);
    expect(board.sack(place(100), place(201))).toBe(101);
    expect(board.sackedSegments).toBe(1);
  });
});

describe('steps per ACK (attacks.md A12, section 3)', () => {
  /** Steps of the worst ACK with three blocks when every other one of `n` segments is sacked, in the worst order. */
  function worst(n: number): number {
    const board = new Scoreboard();
    for (let index = 0; index < n; index++)
      board.sent(place(index * MSS), place((index + 1) * MSS), MSS, false, now(index));
    let most = 0;
    let seed = 1;
    for (let ack = 0; ack < n / 6; ack++) {
      const before = board.steps;
      for (let block = 0; block < 3; block++) {
        seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
        const at = ((seed >>> 8) % (n / 2)) * 2 * MSS;
        board.sack(place(at), place(at + MSS));
      }
      most = Math.max(most, board.steps - before);
    }
    return most;
  }

  it('grow at most twofold from 1,024 to 16,384 segments outstanding', () => {
    const [few, many] = [worst(1_024), worst(16_384)];
    console.log(`A12: ${few} steps per ACK at 1,024 segments, ${many} at 16,384`);
    expect(many).toBeLessThanOrEqual(2 * few);
  });

  it('are amortised over what is marked lost: a timeout with 16,384 out touches each once', () => {
    const pages = new SequencePages<{ start: SeqNumber }>();
    for (let index = 0; index < 16_384; index++) pages.insert({ start: place(index) });
    const before = pages.steps;
    for (let first = pages.first; first !== undefined; first = pages.first) pages.remove(first);
    expect((pages.steps - before) / 16_384).toBeLessThan(64);
  });
});

it('the end of a hole: what leaves again whole ends where SACK has reported something (seed 64 of chaos)', () => {
  const board = new Scoreboard();
  for (let segment = 0; segment < 10; segment++)
    board.sent(place(segment * MSS), place((segment + 1) * MSS), MSS, false, now(segment));
  board.sack(place(2 * MSS), place(4 * MSS));
  expect(board.endOfHole(place(0), 1_000)).toBe(place(2 * MSS));
  expect(board.endOfHole(place(0), 50)).toBe(place(MSS)); // looks no further
  expect(board.endOfHole(place(2 * MSS), 1_000)).toBe(place(2 * MSS));
});
