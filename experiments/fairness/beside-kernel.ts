import { SystemScheduler } from '../../socket-api/node/clock.ts';
import { systemRandom } from '../../socket-api/node/random.ts';
import { Host } from '../../stack/host.ts';
import { type TcpSettings, settings } from '../../stack/settings.ts';
import { ms, us } from '../../stack/time.ts';
import { parseAddress } from '../../stack/wire/address.ts';
import { Source } from '../bulk.ts';
import { Crossing, PlainWire } from '../kernel/crossing.ts';
import { KernelNamespace, sleep } from '../kernel/namespace.ts';
import { RECEIVE, SEND } from '../kernel/programs.ts';
import { type Bottleneck, queueBytes } from './sharing.ts';

/** Our sender beside the kernel's. */
export interface BesideKernel extends Bottleneck {
  /** The kernel's congestion control. */
  readonly congestion: string;
  /** Our settings, beside the profile `linux`. */
  readonly tcp: Partial<TcpSettings>;
  /** Who begins; the other follows a second later. */
  readonly first: 'ours' | 'kernel' | 'kernel alone';
}

export interface BesideKernelResult {
  /** Our share of what both brought over the bottleneck, 0..1. */
  readonly share: number;
  /** Bits that crossed ÷ the bottleneck's rate. */
  readonly use: number;
  readonly drops: number;
}

const RECEIVER = '10.77.2.1';

/** Both send to the kernel of a second namespace, over one drop-tail bottleneck, in real time. */
export async function besideKernel(of: BesideKernel): Promise<BesideKernelResult> {
  const scheduler = new SystemScheduler();
  const kernel = new KernelNamespace('10.77.1.1/24', '10.77.0.0/16');
  const receiver = new KernelNamespace(`${RECEIVER}/24`, '10.77.0.0/16');
  const [near, far] = PlainWire.pair();
  const delay = us(of.roundTrip / 2);
  const crossing = new Crossing(
    scheduler,
    [
      { number: 1, device: kernel.device },
      { number: 3, device: far },
    ],
    receiver.device,
    { delay, rate: { bitsPerSecond: of.rate }, queue: { discipline: 'drop-tail', bytes: queueBytes(of) } },
    // ACKs vary by 2 ms: without it our data, sent in the tick in which its ACK comes, finds the full queue one tick before it is served and
    // the kernel's one tick after, a phase effect [Floyd and Jacobson 1991] that took a quarter of our share.
    { delay, jitter: { distribution: 'uniform', spread: ms(2), ordered: true } },
  );
  const host = ourHost(scheduler, near, of.tcp);
  try {
    await new Promise<void>((resolve) => receiver.python(RECEIVE, ['5001', '5003'], () => resolve()));
    const ours = (): void => void new Source(host, RECEIVER, 5003, Number.MAX_SAFE_INTEGER);
    const theirs = (): void => void kernel.python(SEND, [RECEIVER, '5001', of.congestion]);
    const [begins, follows] = of.first === 'ours' ? [ours, theirs] : [theirs, ours];
    begins();
    await sleep(1_000);
    if (of.first !== 'kernel alone') follows();
    await sleep(of.from / 1000 - 1_000);
    const before = counts(crossing);
    const begun = scheduler.now();
    await sleep((of.until - of.from) / 1000);
    const after = counts(crossing);
    const lasted = scheduler.now() - begun;
    const [own = 0, their = 0] = after.map((bytes, index) => bytes - (before[index] ?? 0));
    const drops = crossing.lost / crossing.entered;
    return { share: own / (own + their), use: ((own + their) * 8e6) / lasted / of.rate, drops };
  } finally {
    host.close();
    kernel.close();
    receiver.close();
  }
}

/** Bytes that crossed so far: ours, the kernel's. */
function counts({ crossed }: Crossing): readonly number[] {
  return [3, 1].map((branch) => crossed.get(branch)?.bytes ?? 0);
}

function ourHost(scheduler: SystemScheduler, device: PlainWire, tcp: Partial<TcpSettings>): Host {
  const host = new Host({
    name: 'ours',
    scheduler,
    random: systemRandom(),
    settings: settings({ profile: 'linux', tcp }),
  });
  const address = parseAddress('10.77.3.1');
  if (address === undefined) throw new Error('unreachable');
  host.addInterface(device, [{ address, prefixLength: 16 }]);
  host.holds.retain();
  return host;
}
