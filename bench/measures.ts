import type { Measure } from './bench.ts';
import { bulkGlasstack, bulkNode } from './rows/bulk-memory.ts';
import { connectionsGlasstack, connectionsNode } from './rows/connections-memory.ts';
import { idleGlasstack, idleNode } from './rows/idle.ts';
import { micro } from './rows/micro.ts';
import { simulation } from './rows/simulation.ts';
import { pingPongGlasstack, pingPongNode } from './rows/ping-pong-memory.ts';

/** What can be measured in one process, by name: `BENCH/SUBJECT`. */
export const measures: Readonly<Record<string, Measure>> = {
  'bulk/glasstack': bulkGlasstack,
  'bulk/node': bulkNode,
  'connections/glasstack': connectionsGlasstack,
  'connections/node': connectionsNode,
  'ping-pong/glasstack': pingPongGlasstack,
  'ping-pong/node': pingPongNode,
  'idle/glasstack': idleGlasstack,
  'idle/node': idleNode,
  'micro/glasstack': micro,
  'simulation/glasstack': simulation,
};
