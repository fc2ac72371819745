import { createHash } from 'node:crypto';
import { wire } from '../../../device/wire.ts';
import { seededRandom } from '../../../sim/random.ts';
import { dropWhen, type FaultRule, rules } from '../../../sim/rules.ts';
import { VirtualClock } from '../../../sim/virtual-clock.ts';
import { Host } from '../../../stack/host.ts';
import { type SettingsChanges, settings } from '../../../stack/settings.ts';
import { type Duration, ms } from '../../../stack/time.ts';
import { parseAddress } from '../../../stack/wire/address.ts';
import { captureTrace } from '../../../trace/capture.ts';

export const CLIENT = '10.0.0.1';
export const SERVER = '10.0.0.2';

/** Two hosts on one wire, with a capture of everything. */
export interface TwoHosts {
  readonly clock: VirtualClock;
  readonly client: Host;
  readonly server: Host;
  /** A hash of the capture: every byte and every instant of it. */
  traceHash(): string;
  /** Frames that the two hosts have sent. */
  frames(): number;
}

export interface TwoHostsOptions {
  readonly seed?: number;
  /** One way; 20 ms. */
  readonly delay?: Duration;
  readonly faults?: readonly FaultRule[];
  readonly settings?: SettingsChanges;
}

export function twoHosts(options: TwoHostsOptions = {}): TwoHosts {
  const { seed = 1, delay = ms(20), faults = [] } = options;
  const clock = new VirtualClock();
  const hash = createHash('sha256');
  const capture = captureTrace((bytes) => hash.update(bytes), { comments: false });
  let frames = 0;
  const host = (name: string): Host =>
    new Host({
      name,
      scheduler: clock,
      random: seededRandom(seed, name),
      settings: settings(options.settings),
      tracer: (event) => {
        if (event.type === 'frame' && event.direction === 'out') frames += 1;
        capture(event);
      },
    });
  const client = host('client');
  const server = host('server');
  const [left, right] = wire(clock, { delay, onFrame: rules(...faults) });
  client.addInterface(left, [{ address: address(CLIENT), prefixLength: 24 }]);
  server.addInterface(right, [{ address: address(SERVER), prefixLength: 24 }]);
  return {
    clock,
    client,
    server,
    frames: () => frames,
    traceHash: () => {
      capture.flush();
      return hash.copy().digest('hex').slice(0, 16);
    },
  };
}

/** Nothing passes from `from` to `to` seconds. */
export function partition(from: number, to: number): FaultRule {
  return dropWhen(`partition ${from}..${to} s`, ({ at }) => at >= from * 1e6 && at < to * 1e6);
}

/** Loses each frame with this probability, by a seeded stream per direction. */
export function loss(probability: number, seed: number = 1): FaultRule {
  const streams = { 'a→b': seededRandom(seed, 'loss', 'a→b'), 'b→a': seededRandom(seed, 'loss', 'b→a') };
  return dropWhen(`loss ${probability}`, ({ direction }) => {
    const stream = direction === 'a→b' ? streams['a→b'] : streams['b→a'];
    return stream.u32() / 2 ** 32 < probability;
  });
}

function address(text: string) {
  const parsed = parseAddress(text);
  if (parsed === undefined) throw new Error(`no address: ${text}`);
  return parsed;
}
