// What a host counts: a transfer, a port where nobody listens, and what `host.stats()` of the server says of both. On the virtual clock.
//   npx tsx examples/statistics.ts
// All counters and what they mean: docs/statistics.md.
import { pair } from '../sim/network/topologies.ts';
import { createWorld } from '../sim/sim.ts';
import { after, ms } from '../stack/time.ts';

const world = createWorld({ seed: 1 });
const { a, b } = pair(world, { delay: ms(5) });
b.listen(80);
a.connect(b, 80).send(new Uint8Array(100_000)).end();
a.connect(b, 81);
world.run(after(world.clock.now(), ms(2_000)));

const { connections, memory, drops, counters } = b.host.stats();
console.log('connections', JSON.stringify(connections));
console.log('memory', JSON.stringify({ total: memory.total, timeWait: memory.timeWait }));
console.log('drops', JSON.stringify(drops));
for (const [name, count] of Object.entries(counters)) if (count > 0) console.log(name, count);
