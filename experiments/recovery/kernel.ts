import { SystemScheduler } from '../../socket-api/node/clock.ts';
import { systemRandom } from '../../socket-api/node/random.ts';
import { impair } from '../../sim/link/impair-layer.ts';
import { RuleHandle } from '../../sim/link/rule.ts';
import { Host } from '../../stack/host.ts';
import { settings } from '../../stack/settings.ts';
import { us } from '../../stack/time.ts';
import { parseAddress } from '../../stack/wire/address.ts';
import { type Sink, sinks } from '../bulk.ts';
import { KernelNamespace } from '../kernel/namespace.ts';
import { BURST } from '../kernel/programs.ts';
import { type LossPattern, Loser, ONE_WAY, SEGMENTS, SIZE } from './pattern.ts';
import { SETTINGS } from './recovery.ts';

/** How the kernel fared with a pattern. */
export interface KernelRecovery {
  /** From the first segment's arrival at our layer until our receiver had everything, in µs. */
  readonly took: number;
  /** As TCP_INFO counts them; null where it does not. */
  readonly timeouts: number | null;
  readonly retransmissions: number;
  readonly spurious: number;
}

const STACK = '10.78.0.2';
const FIRST_PORT = 20_000;

interface Burst {
  readonly loser: Loser;
  sink: Sink | undefined;
  begun: number;
  took: number;
}

/** Replays the patterns with the kernel as sender over a TUN, `atOnce` connections at a time, each with a pattern of its own. */
export async function kernelRecoveries(
  patterns: readonly LossPattern[],
  congestion: string,
  atOnce: number,
  done: (finished: number, of: number) => void = () => undefined,
): Promise<KernelRecovery[]> {
  const scheduler = new SystemScheduler();
  const kernel = new KernelNamespace('10.78.0.1/24');
  kernel.run('ip', 'route', 'change', '10.78.0.0/24', 'dev', 'gs0', 'initcwnd', String(SEGMENTS));
  const bursts = patterns.map(
    (pattern): Burst => ({ loser: new Loser(pattern), sink: undefined, begun: 0, took: 0 }),
  );
  const delay = us(ONE_WAY);
  const rule = lossRule(bursts, scheduler);
  const layer = impair({ scheduler, seed: 1, out: { delay }, in: { delay }, rules: [rule] });
  const host = new Host({ name: 'ours', scheduler, random: systemRandom(), settings: settings(SETTINGS) });
  const address = parseAddress(STACK);
  if (address === undefined) throw new Error('unreachable');
  host.addInterface(layer(kernel.device), [{ address, prefixLength: 24 }]);
  host.holds.retain();
  bursts.forEach((burst, index) => takeBurst(host, burst, FIRST_PORT + index));
  try {
    const timeouts = await runBursts(kernel, bursts.length, [String(atOnce), congestion], done);
    return bursts.map(({ loser, took }, index) => {
      const retransmissions = loser.seen - SEGMENTS;
      return {
        took,
        timeouts: timeouts[index] ?? null,
        retransmissions,
        spurious: retransmissions - loser.lost,
      };
    });
  } finally {
    host.close();
    kernel.close();
  }
}

/** Loses the data segments of each connection that its pattern names; the first byte of a connection was only the warm-up. */
function lossRule(bursts: readonly Burst[], scheduler: SystemScheduler): RuleHandle {
  return new RuleHandle(
    {
      name: 'the patterns',
      direction: 'b→a',
      verdict: ({ tcp, payload }) => {
        const burst = tcp === undefined ? undefined : bursts[tcp.destinationPort - FIRST_PORT];
        const receiver = burst?.sink?.connection?.receiver;
        if (burst === undefined || tcp === undefined || receiver === undefined || payload.length === 0)
          return 'pass';
        const offset = ((tcp.seq - receiver.irs) | 0) - 2;
        if (offset < 0) return 'pass';
        if (burst.begun === 0) burst.begun = scheduler.now();
        return burst.loser.takes(offset) ? 'drop' : 'pass';
      },
    },
    () => undefined,
  );
}

function takeBurst(host: Host, burst: Burst, port: number): void {
  sinks(host, port, (sink) => {
    burst.sink = sink;
    sink.heard = () => {
      if (sink.received < 1 + SEGMENTS * SIZE || burst.took > 0) return;
      burst.took = sink.lastAt - burst.begun;
      sink.connection?.shutdown();
    };
  });
}

function runBursts(
  kernel: KernelNamespace,
  count: number,
  args: readonly string[],
  done: (finished: number, of: number) => void,
): Promise<(number | null)[]> {
  const timeouts: (number | null)[] = [];
  let finished = 0;
  return new Promise((resolve, reject) => {
    const program = kernel.python(BURST, [STACK, String(SEGMENTS * SIZE), ...args], (line) => {
      const said = JSON.parse(line) as { readonly port: number; readonly timeouts: number | null };
      timeouts[said.port - FIRST_PORT] = said.timeouts;
      finished += 1;
      done(finished, count);
      if (finished === count) resolve(timeouts);
    });
    program.once('exit', (code) => reject(new Error(`the kernel's sender ended with ${code}`)));
    for (let index = 0; index < count; index++) program.stdin?.write(`${FIRST_PORT + index}\n`);
  });
}
