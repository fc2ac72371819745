import type { Bench, Figures, Goal, Metric } from '../bench.ts';
import type { CLIENTS } from '../clients.ts';
import { type KernelWorld, hasEthtool, hasIperf } from '../kernel-world.ts';

const WARM_UP = 0.4;
const SECONDS = 1;

/** `in`: from the kernel to us; `out`: from us to the kernel. */
function bulk(world: KernelWorld, direction: 'in' | 'out', offload: boolean, goals: readonly Goal[]): Bench {
  const what = direction === 'in' ? 'send' : 'receive';
  const by = (served: 'glasstack' | 'node') => async (): Promise<Figures> => ({
    throughput: await world.client(what, served, offload, WARM_UP, SECONDS),
  });
  const kernel = async (): Promise<Figures> => ({ throughput: await world.iperf(offload, 1, 1) });
  const metric: Metric = {
    id: 'throughput',
    title: `TUN ${direction}, ${offload ? 'offload' : 'no offload'}`,
    unit: 'Gbit/s',
    goals,
  };
  return {
    id: `tun-${direction}-${offload ? 'offload' : 'plain'}`,
    metrics: [metric],
    missing: offload || hasEthtool ? undefined : 'needs ethtool',
    subjects: { glasstack: by('glasstack'), node: by('node'), ...(hasIperf ? { kernel } : {}) },
  };
}

function rate(
  world: KernelWorld,
  id: string,
  title: string,
  what: keyof typeof CLIENTS,
  goals: readonly Goal[],
): Bench {
  const by = (served: 'glasstack' | 'node') => async (): Promise<Figures> => ({
    rate: await world.client(what, served, true, 0.3, 1),
  });
  return {
    id,
    metrics: [{ id: 'rate', title, unit: '1/s', goals }],
    subjects: { glasstack: by('glasstack'), node: by('node') },
  };
}

const share = (at: number): Goal => ({ at, times: 'kernel' });

/** The rows that need the kernel on the other side. */
export function benches(world: KernelWorld): Bench[] {
  return [
    bulk(world, 'in', true, [share(0.35), share(0.7)]),
    bulk(world, 'out', true, [share(0.25), share(0.6)]),
    bulk(world, 'in', false, [share(0.35), { at: 6 }]),
    bulk(world, 'out', false, [{ at: 2 }, { at: 3.5 }]),
    rate(world, 'tun-ping-pong', 'ping-pong over TUN, kernel client', 'pingPong', [
      { at: 14_000 },
      { at: 18_000 },
    ]),
    rate(world, 'tun-connects', 'serial connects over TUN, kernel client', 'connect', []),
  ];
}
