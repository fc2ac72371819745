import { type Flow, type Link, pair, type ScenarioContext, type World } from '../../../sim/sim.ts';
import { StackError } from '../../../stack/errors.ts';
import { type Random, randomBelow } from '../../../stack/random.ts';
import { type SeqNumber, distance } from '../../../stack/tcp/sequence.ts';
import { type Instant, ms, seconds } from '../../../stack/time.ts';
import { between, drawLink, drawSettings, one, oneIn } from './chaos-draws.ts';

export const name = 'every setting, every impairment, every call at random';

/** Events of a run are some thousand; so many are a storm. */
export const world: { readonly maxEvents: number } = { maxEvents: 400_000 };

/** After this the network is calm, programs read everything and close: nothing may be left in the end. */
const FAULTS = 5_000;
/** Within so many milliseconds after it all data has arrived, or the connection crawls. */
const PATIENCE = 150_000;
const STEP = 250;

/** A flow, and whether its peer has been reset or has given up: then nothing more need arrive. */
interface Ends {
  readonly flows: Flow[];
}

/**
 * Connections in both directions, over IPv4 or IPv6, between two hosts whose settings are drawn one by one, over a link with everything
 * a link can do; the programs do anything at any time. What is checked: the invariants, that data arrives once the faults have stopped,
 * that nothing is left at the end, and that no run has more events than its data can explain.
 */
export function scenario({ world: made }: ScenarioContext): void {
  const random = made.random('chaos');
  const v6 = oneIn(random, 3);
  const path = { calm: false };
  const { a, b, link } = pair(made, drawLink(random, v6, path), {
    a: { settings: drawSettings(random) },
    b: { settings: drawSettings(random) },
  });
  drawSchedule(made, link, random);
  const ends: Ends = { flows: [] };
  const options = { reads: oneIn(random, 2), closesAfterPeer: false };
  for (const host of [a, b]) {
    const backlog = one(random, [1, 2, 16, 511]);
    const fastOpen = oneIn(random, 2) ? undefined : { cookies: oneIn(random, 2) };
    host.listen(80, (flow) => void ends.flows.push(flow), options, {
      backlog,
      ...(fastOpen && { fastOpen }),
    });
  }
  const connections = between(random, 1, oneIn(random, 3) ? 8 : 3);
  for (let number = 0; number < connections; number++) {
    const [from, to] = oneIn(random, 2) ? [a, b] : [b, a];
    const size = between(random, 0, 3000);
    const fastOpen = oneIn(random, 2) ? undefined : { data: bytesOf(size), cookie: oneIn(random, 2) };
    made.act(`connect${fastOpen ? ` with ${size}` : ''}`, drawTime(random), () => {
      const address = v6 ? to.address6 : to.address;
      try {
        ends.flows.push(from.connect(address, 80, options, fastOpen && { fastOpen }));
      } catch (error) {
        if (!(error instanceof StackError) || error.code !== 'EMFILE') throw error; // no memory for one more
      }
    });
  }
  drawActions(made, ends, random, connections);
  made.run(instant(FAULTS));
  path.calm = true;
  heal(made, link);
  settle(made, ends);
}

/** From now on the network does what it can; a black hole too, for whom nobody probes. */
function heal(made: World, link: Link): void {
  made.heal();
  const blind = made.hosts.some(({ settings }) => settings.tcp.mtuProbing === 'off');
  if (blind) link.configure({ pathMtu: undefined });
}

/** The programs read everything and close; who hears nothing more gives up in the end. */
function settle(made: World, { flows }: Ends): void {
  const turns = PATIENCE / STEP;
  let stuck: string[] = [];
  const before = new Map<Flow, SeqNumber>();
  for (let turn = 1; turn <= turns + 10; turn++)
    made.at(instant(FAULTS + turn * STEP), () => {
      for (const flow of flows) {
        flow.read();
        if (!flow.closed) flow.end();
        // A peer whose RST was lost sends no FIN: who waits for one gives up in the end.
        if (!flow.closed && turn > turns) flow.connection.close();
      }
      if (turn === turns / 3) for (const flow of flows) before.set(flow, flow.connection.sender.una);
      if (turn === turns)
        stuck = flows.filter((flow) => crawls(flow, before.get(flow), flows)).map(described);
    });
  made.run(instant(FAULTS + PATIENCE + STEP * 20));
  if (stuck.length > 0) throw made.fail('liveness', `after ${PATIENCE} ms: ${stuck.join('; ')}`, ['a', 'b']);
  made.run();
}

/** Data waits, the peer is there to take it, and hardly any has arrived for two thirds of the time. */
function crawls(flow: Flow, before: SeqNumber | undefined, flows: readonly Flow[]): boolean {
  const { closed, connection } = flow;
  if (closed || connection.bytesQueued === 0 || before === undefined) return false;
  const { state, sender, context } = connection;
  if (context.settings.tcp.congestion === 'none') return false; // does not care what the path bears
  if (state === 'SYN-SENT' || !flows.some((other) => !other.closed && isPeer(flow, other))) return false;
  return distance(before, sender.una) < 20 * Math.min(sender.queue.limit, 500);
}

function isPeer({ connection: { local, remote, receiver } }: Flow, { connection: other }: Flow): boolean {
  const same = other.local.port === remote.port && other.remote.port === local.port;
  return same && other.sender.iss === receiver.irs;
}

function described({ connection }: Flow): string {
  const { local, context, state, bytesQueued, sender, rtt } = connection;
  return `${context.name}:${local.port} ${state} has ${bytesQueued} bytes left, cwnd ${sender.congestion.cwnd}, wnd ${sender.wnd}, mss ${sender.mss}, rto ${rtt.rto}`;
}

function instant(milliseconds: number): Instant {
  return ms(milliseconds) as number as Instant;
}

function drawTime(random: Random): Instant {
  return instant(randomBelow(random, oneIn(random, 3) ? 500 : FAULTS));
}

function bytesOf(size: number): Uint8Array {
  return new Uint8Array(size).map((_, index) => index * 7 + (index >>> 8) + size);
}

function drawSchedule(made: World, link: Link, random: Random): void {
  if (!oneIn(random, 4)) return;
  const from = randomBelow(random, FAULTS);
  const to = instant(Math.min(FAULTS - 1, from + between(random, 50, 3_000)));
  const [a, b] = made.hosts;
  if (a === undefined || b === undefined || from >= FAULTS - 60) return;
  if (oneIn(random, 2)) made.partition([a], [b], { from: instant(from), to, oneWay: oneIn(random, 2) });
  else link.clog(instant(from), to, one(random, ['a→b', 'b→a', 'both'] as const));
}

function drawActions(made: World, { flows }: Ends, random: Random, connections: number): void {
  const count = between(random, 5, 40);
  for (let number = 0; number < count; number++) {
    const which = randomBelow(random, connections * 2);
    const [what, action] = drawAction(random);
    made.act(what, drawTime(random), () => {
      const flow = flows[which];
      if (flow !== undefined && !flow.closed) action(flow);
    });
  }
}

type Action = readonly [string, (flow: Flow) => void];

function drawAction(random: Random): Action {
  const size = between(random, 1, one(random, [200, 5_000, 60_000, 300_000]));
  const buffer = 1000 + size;
  const rare = randomBelow(random, 40);
  switch (rare) {
    case 0:
      return ['close', (flow) => flow.connection.close()];
    case 1:
      return ['abort', (flow) => flow.abort()];
    case 2:
    case 3:
      return ['shutdown', (flow) => flow.end()];
    case 4:
      return ['flush', (flow) => flow.connection.flush()];
    case 5:
      return [
        'keep-alive',
        (flow) => flow.connection.setKeepAlive({ idle: seconds(1), interval: ms(300), count: 20 }),
      ];
    case 6:
    case 7:
      return [`urgent ${size}`, (flow) => void flow.connection.sendUrgent(bytesOf(size))];
    case 8:
    case 9:
    case 10:
      return ['renege', ({ connection }) => connection.receiver.sack && connection.receiver.prune()];
    case 11:
      return [`receive buffer ${buffer}`, (flow) => flow.connection.setReceiveBuffer(buffer)];
    case 12:
      return [`send buffer ${buffer}`, (flow) => flow.connection.setSendBuffer(buffer)];
    case 13:
      return [`not-sent low-water ${size}`, (flow) => flow.connection.setNotSentLowat(size)];
    case 14:
      return ['no delay', (flow) => flow.connection.setNoDelay(true)];
    default:
      return rare < 22
        ? [`read ${size}`, (flow) => void flow.read(size)]
        : [`send ${size}`, (flow) => void flow.send(bytesOf(size))];
  }
}
