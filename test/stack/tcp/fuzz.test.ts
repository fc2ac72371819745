/** Segments from dice, near where they matter, into every state, with the user's calls between them. */
import { expect, it } from 'vitest';
import { seededRandom } from '../../../sim/random.ts';
import { randomBelow } from '../../../stack/random.ts';
import { ms } from '../../../stack/time.ts';
import type { Bench } from './harness.ts';
import { ladder } from './watch.ts';
import { OTHER_STATES, SMALL, inState } from './states.ts';

type Dice = (limit: number) => number;

const pick = (dice: Dice, from: readonly string[]): string => from[dice(from.length)] ?? '';

function segment(dice: Dice): string {
  const at = `<SEQ=${pick(dice, ['R', 'R', 'R', 'W', 'R'])}${pick(dice, ['', '', '', '-1', '+1', '+9', '-99', '+2000000000'])}>`;
  const ack =
    dice(12) === 0
      ? ''
      : `<ACK=${pick(dice, ['N', 'N', 'U', 'N'])}${pick(dice, ['', '', '', '-1', '+1', '-70000'])}>`;
  const control = pick(dice, ['', '', '', '', '', 'FIN', 'FIN', 'SYN', 'RST', 'SYN,FIN', 'RST,FIN']);
  const data = pick(dice, ['', '', '<DATA=1>', '<DATA=30>', '<DATA=1000>', '<DATA=1460>']);
  const window = pick(dice, ['', '', '<WND=0>', '<WND=10>', '<WND=1000>']);
  const urgent = dice(15) === 0 ? `<URG=${dice(65_536)}>` : '';
  return `${at}${ack}<CTL=${control}>${data}${window}${urgent}`;
}

function call(bench: Bench, dice: Dice): void {
  const { connection } = bench;
  switch (dice(14)) {
    case 0:
      connection.shutdown();
      break;
    case 1:
      connection.setKeepAlive(dice(2) === 0 ? undefined : { idle: ms(500), interval: ms(100), count: 3 });
      break;
    case 2:
      connection.setUserTimeout(dice(2) === 0 ? undefined : ms(5_000));
      break;
    case 3:
      connection.flush();
      break;
    case 4:
      connection.setNoDelay(dice(2) === 0);
      break;
    case 5:
      if (dice(6) === 0) connection.close();
      break;
    case 6:
      if (dice(20) === 0) connection.abort();
      break;
    case 7:
    case 8:
      connection.receive(1 + dice(500));
      break;
    default:
      bench.written += connection.send(bench.streamAt(bench.written, dice(3_000)));
  }
  bench.settle();
}

it.each(OTHER_STATES)('holds its invariants against anything, beginning in %s', (state) => {
  let answered = 0;
  for (let seed = 1; seed <= 60; seed++) {
    const random = seededRandom(seed, state);
    const dice: Dice = (limit) => randomBelow(random, limit);
    const bench = inState(state, { ...SMALL, seed, quiet: true });
    try {
      for (let step = 0; step < 60 && bench.connection.state !== 'CLOSED'; step++) {
        const kind = dice(4);
        if (kind === 0) call(bench, dice);
        else if (kind === 1) bench.wait(dice(1_500));
        else bench.arrives(...Array.from({ length: 1 + dice(3) }, () => segment(dice)));
        answered += bench.sent().length;
      }
      bench.connection.abort();
      bench.settle().wait(700_000).expectNothingLeft();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new Error(`seed ${seed}: ${reason}\n${ladder(bench.watch.events)}`, { cause: error });
    }
  }
  expect(answered).toBeGreaterThan(100);
});
