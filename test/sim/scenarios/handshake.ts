import { pair, type ScenarioContext } from '../../../sim/sim.ts';
import { ms } from '../../../stack/time.ts';

export const name = 'a program that gives up after a second';

/** A faulty program, for tests of what a failure prints: its client wants an answer within a second, whatever the network does. */
export function scenario({ world }: ScenarioContext): void {
  const { a, b } = pair(world, {
    delay: ms(20),
    jitter: { distribution: 'normal', spread: ms(2), ordered: true },
    loss: { model: 'independent', p: 0.1 },
    duplication: { p: 0.1 },
  });
  b.listen(7, (flow) => flow.send('hello'));
  const client = a.connect(b, 7, { keeps: true });
  world.act('say something', world.in(ms(100)), () => client.send('x'.repeat(world.size('bytes', 4000))));
  world.runFor(ms(1000));
  const answered = client.received === 5;
  client.abort();
  world.heal();
  world.run();
  if (!answered) throw new Error('no answer within a second');
}
