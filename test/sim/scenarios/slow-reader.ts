import { type Flow, livenessBound, pair, type ScenarioContext } from '../../../sim/sim.ts';
import { type Instant, ms, us } from '../../../stack/time.ts';

export const name = 'a slow reader on a lossy link';

/** Bytes that it reads at once, and the time between, in µs. */
const READ = 4_096;
const PAUSE = 80_000;

/**
 * A transfer to a program that reads a little at a time into a small buffer, so that the window closes again and again. For three
 * seconds the link loses and reorders; then it is calm, and what is left has to be done in time, with both ends closed in order.
 */
export function scenario({ world }: ScenarioContext): void {
  const small = { receiveBuffer: { from: 8_192, to: 8_192 }, delayedAck: ms(4), override: ms(4) };
  const { a, b } = pair(
    world,
    {
      delay: ms(10),
      rate: { bitsPerSecond: 10_000_000 },
      loss: { model: 'independent', p: 0.03 },
      reordering: { p: 0.02, delay: ms(5) },
    },
    { a: { settings: { tcp: small } }, b: { settings: { tcp: small } } },
  );
  const bytes = world.size('bytes', 80_000);
  let server: Flow | undefined;
  b.listen(80, (flow) => (server = flow), { reads: false, closesAfterPeer: false });
  const client = a
    .connect(b, 80)
    .send(new Uint8Array(bytes).map((_, index) => index * 17))
    .end();
  for (let number = 1; number <= 500; number++) {
    world.at((number * PAUSE) as Instant, () => {
      if (server !== undefined && server.connection.readable > 0) server.read(READ);
      if (server?.ended === true && server.connection.readable === 0) server.end();
    });
  }
  world.run(ms(3_000) as number as Instant);
  world.heal();
  const left = bytes - (server?.received ?? 0);
  const ends = [client, ...(server === undefined ? [] : [server])];
  const pending = Math.max(0, ...ends.map((end) => waitOf(end, world.now)));
  const settings = world.hosts.map((host) => host.settings);
  const bound = livenessBound({ settings, bytes: left, roundTrip: ms(20), mss: 1448, pending: us(pending) });
  const over = (): boolean => client.closed && server?.closed === true;
  const done = world.runUntil(over, world.in(us(bound + (left / READ) * PAUSE)));
  if (!done)
    throw world.fail(
      'liveness',
      `${left} bytes were left when the faults stopped; not done after ${bound} µs`,
      ['a', 'b'],
    );
  if (server?.received !== bytes || client.reason !== undefined || server.reason !== undefined)
    throw world.fail(
      'closing',
      `it ended by ${client.reason ?? 'both FINs'} and ${server?.reason ?? 'both FINs'}`,
      ['a', 'b'],
    );
  world.run();
}

/** How long until the retransmission or persist timer goes off. */
function waitOf(flow: Flow, now: Instant): number {
  const { timers } = flow.connection;
  const due = [timers.deadline('retransmission'), timers.deadline('persist')].filter(Number.isFinite);
  return Math.max(0, ...due) - now;
}
