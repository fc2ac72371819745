import { type Flow, pair, type ScenarioContext } from '../../../sim/sim.ts';
import { type Random, randomBelow } from '../../../stack/random.ts';
import type { SettingsChanges } from '../../../stack/settings.ts';
import { type Instant, ms, seconds } from '../../../stack/time.ts';

export const name = 'programs that send, read, close and abort at random';

/** After this the network is calm, programs read everything and close: nothing may be left in the end. */
const FAULTS = 5_000;

/**
 * A few connections in both directions, with small and odd settings, whose programs do anything at any time. Every action is an entry of
 * the plan, so that a failure is shrunk to the few that matter. The invariants are what is checked.
 */
export function scenario({ world }: ScenarioContext): void {
  const random = world.random('behaviour');
  const { a, b } = pair(
    world,
    {
      delay: ms(randomBelow(random, 30)),
      loss: { model: 'independent', p: randomBelow(random, 80) / 1000 },
      duplication: { p: randomBelow(random, 40) / 1000, delay: ms(randomBelow(random, 20)) },
      reordering: { p: randomBelow(random, 60) / 1000, delay: ms(1 + randomBelow(random, 30)) },
    },
    { a: { settings: drawSettings(random) }, b: { settings: drawSettings(random) } },
  );
  const flows: Flow[] = [];
  const options = { reads: false, closesAfterPeer: false };
  const accepted = (flow: Flow): void => void flows.push(flow);
  a.listen(80, accepted, options);
  b.listen(80, accepted, options);
  for (let number = 0; number < 1 + randomBelow(random, 3); number++) {
    const [from, to] = randomBelow(random, 2) === 0 ? [a, b] : [b, a];
    const at = drawTime(random);
    world.act('connect', at, () => flows.push(from.connect(to, 80, options)));
  }
  for (let number = 0; number < 10 + randomBelow(random, 30); number++) {
    const which = randomBelow(random, 6);
    const [what, action] = drawAction(random);
    world.act(what, drawTime(random), () => {
      const flow = flows[which];
      if (flow !== undefined && !flow.closed) action(flow);
    });
  }
  world.run(instant(FAULTS));
  world.heal();
  for (let turn = 1; turn <= 400; turn++)
    world.at(instant(FAULTS + turn * 100), () => {
      for (const flow of flows) {
        flow.read();
        if (!flow.closed) flow.end();
        // A peer whose RST was lost sends no FIN: who waits for one gives up in the end.
        if (!flow.closed && turn > 300) flow.connection.close();
      }
    });
  world.run();
}

function instant(milliseconds: number): Instant {
  return ms(milliseconds) as number as Instant;
}

function drawTime(random: Random): Instant {
  return instant(randomBelow(random, FAULTS));
}

function drawAction(random: Random): readonly [string, (flow: Flow) => void] {
  const size = 1 + randomBelow(random, randomBelow(random, 2) === 0 ? 200 : 30_000);
  switch (randomBelow(random, 12)) {
    case 0:
      return ['shutdown', (flow) => flow.end()];
    case 1:
      return ['close', (flow) => flow.connection.close()];
    case 2:
      return ['abort', (flow) => flow.abort()];
    case 3:
      return ['flush', (flow) => flow.connection.flush()];
    case 4:
      return [
        'keep-alive',
        (flow) => flow.connection.setKeepAlive({ idle: seconds(1), interval: ms(300), count: 20 }),
      ];
    case 5:
    case 6:
    case 7:
      return [`read ${size}`, (flow) => void flow.read(size)];
    default:
      return [
        `send ${size}`,
        (flow) => void flow.send(new Uint8Array(size).map((_, index) => index * 7 + size)),
      ];
  }
}

function drawSettings(random: Random): SettingsChanges {
  const flag = (): boolean => randomBelow(random, 2) === 0;
  const buffer = 1024 * (2 + randomBelow(random, 62));
  return {
    profile: flag() ? 'linux' : 'standard',
    tcp: {
      receiveBuffer: { from: buffer, to: flag() ? buffer : buffer * 4 },
      sendBuffer: { from: 4096, to: 65_536 },
      windowScaling: flag(),
      timestamps: flag(),
      nagle: flag(),
      ackPerBatch: flag(),
      limitedTransmit: flag(),
    },
  };
}
