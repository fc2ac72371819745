import type { Bench, Figures, MeasureOptions } from '../bench.ts';
import { inChild } from '../processes.ts';
import { createWorld } from '../../sim/sim.ts';
import { after, ms, seconds } from '../../stack/time.ts';

/** Bytes of one transfer. */
const BYTES = 100_000;

/**
 * Seeds per second of one core, and how much faster virtual time runs than the wall's: a connection opened, 100 kB over 20 ms with 2 %
 * loss both ways, closed, TIME-WAIT; with all invariants checked. And one hour of keep-alive probes on an idle connection.
 */
export function simulation(options: MeasureOptions): Promise<Figures> {
  for (let seed = 1; seed <= 20; seed++) transfer(seed);
  const begun = performance.now();
  let runs = 0;
  let virtual = 0;
  while (performance.now() - begun < options.seconds * 1000) {
    runs += 1;
    virtual += transfer(runs);
  }
  const wall = (performance.now() - begun) / 1000;
  idleHour(1);
  const from = performance.now();
  idleHour(2);
  return Promise.resolve({ seeds: runs / wall, ratio: virtual / 1e6 / wall, hour: performance.now() - from });
}

/** The virtual microseconds that it took. */
function transfer(seed: number): number {
  const world = createWorld({ seed });
  const a = world.host('a');
  const b = world.host('b');
  world.link(a, b, { delay: ms(20), loss: { model: 'independent', p: 0.02 } });
  b.listen(80, undefined, { heard: (event, flow) => void (event.type === 'end' && flow.end()) });
  a.connect(b, 80).send(new Uint8Array(BYTES)).end();
  world.run();
  return world.clock.now();
}

function idleHour(seed: number): void {
  const world = createWorld({ seed });
  const a = world.host('a');
  const b = world.host('b');
  world.link(a, b, { delay: ms(20) });
  b.listen(80);
  const { connection } = a.connect(b, 80);
  connection.setKeepAlive({ idle: seconds(10), interval: seconds(1), count: 9 });
  world.run(after(world.clock.now(), seconds(3_600)));
}

export function benches(): Bench[] {
  return [
    {
      id: 'simulation',
      metrics: [
        { id: 'seeds', title: 'simulated: 100 kB at 2 % loss, invariants on', unit: 'seeds/s', goals: [] },
        { id: 'ratio', title: 'virtual time ÷ wall time of it', unit: '×', goals: [] },
        {
          id: 'hour',
          title: 'one hour of keep-alive, a probe every 10 s',
          unit: 'ms',
          lowerIsBetter: true,
          goals: [{ at: 50 }],
        },
      ],
      subjects: { glasstack: () => inChild('simulation/glasstack', { warmUp: 0, seconds: 2 }) },
    },
  ];
}
