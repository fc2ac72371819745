import { setTimeout as sleep } from 'node:timers/promises';
import { join } from 'node:path';
import { DeviceError } from '../device/device.ts';
import { ms } from '../stack/time.ts';
import { allTracers, type CaptureFile, captureIntoFolder } from './capture-file.ts';
import { reportUncaught } from './failure.ts';
import { type Fetcher, kernelFetcher, wireFetcher } from './fetch.ts';
import { liveLadder } from './live-ladder.ts';
import { type Network, openNetwork, openWireNetwork } from './network.ts';
import { packageFolder } from './package.ts';
import { Program } from './programs.ts';
import { atEnd, endOnSignals } from './teardown.ts';
import { bold, type Terminal, terminal } from './terminal.ts';

/** What `glasstack serve` takes. */
export interface ServeOptions {
  /** Ends after the first fetch. */
  readonly once?: true;
  /** Where the capture goes. */
  readonly out?: string;
  readonly wire?: true;
}

const ENDS = { address: '10.77.0.2/24', peerAddress: '10.77.0.1/24' };
const PROGRAM = 'examples/http-hello.ts';
/** So that the arrows on the wire have some length. */
const WIRE_DELAY = ms(1);

/** Runs the HTTP example on the stack, fetches a page from it, and stays up until Ctrl-C. */
export async function serve(options: ServeOptions): Promise<void> {
  reportUncaught();
  endOnSignals(0);
  const screen = terminal(process.stdout);
  const capture = captureIntoFolder(options.out, () =>
    screen.line('The capture is full: 64 MiB. The rest is not written.'),
  );
  const network = openServeNetwork(options, screen);
  const port = await startProgram(network);
  const fetcher = fetcherOf(network, port);
  screen.line(introduction(network, port));
  const peer = `${network.tun === undefined ? 'second host' : 'kernel'} ${network.peerAddress}`;
  const ladder = liveLadder(screen, `glasstack ${network.address}`, peer);
  const tracer = allTracers(ladder, capture.tracer);
  if (tracer !== undefined) network.stack.host.tracer = tracer;
  const failed = await fetchOnce(network, fetcher, screen);
  capture.flush();
  screen.line(conclusion(capture, screen));
  process.exitCode = failed ? 1 : 0;
  if (options.once === true) process.exit();
  stayUp(network, fetcher, screen);
}

/** A TUN in a namespace of its own; where that cannot be had, the reason and a wire. */
function openServeNetwork(options: ServeOptions, screen: Terminal): Network {
  if (options.wire !== true) {
    try {
      return openNetwork({ ...ENDS, offload: true });
    } catch (error) {
      if (!(error instanceof DeviceError)) throw error;
      screen.line(`No TUN: ${error.message}`);
      screen.line('So everything happens in memory: two hosts on a wire, both ends of it this stack.\n');
    }
  }
  return openWireNetwork(ENDS, { delay: WIRE_DELAY });
}

/** Runs the example; returns the port that it listens on. */
async function startProgram({ stack }: Network): Promise<number> {
  const ports: number[] = [];
  const api = {
    connect: stack.connect,
    listen: (options: never) => {
      const listener = stack.listen(options);
      if ('port' in listener) ports.push(Number(listener.port));
      return listener;
    },
  };
  await new Program().start(api as typeof stack, join(packageFolder(), PROGRAM), []);
  return ports[0] ?? 80;
}

function fetcherOf(network: Network, port: number): Fetcher {
  const { peer, namespace, address } = network;
  if (peer !== undefined) return wireFetcher(peer, address, port);
  return kernelFetcher(namespace ?? '', address, port);
}

function introduction(network: Network, port: number): string {
  const { address, peerAddress, tun, namespace } = network;
  const other =
    tun === undefined
      ? `A second host of the same kind is ${peerAddress}.`
      : `The kernel is ${peerAddress}, on TUN ${tun} in network namespace ${namespace}.`;
  return `${PROGRAM} listens on ${address}:${port}, on glasstack's own TCP. ${other}`;
}

/** Fetches while the ladder is drawn; says what came, and returns whether that failed. */
async function fetchOnce(network: Network, fetcher: Fetcher, screen: Terminal): Promise<boolean> {
  screen.line(`\n${bold(`$ ${fetcher.command}`, screen)}\n`);
  const { failed, output } = await fetcher.fetch();
  await quiet(network);
  screen.line(`\n${output.trimEnd().replaceAll('\r', '').replaceAll(/^/gm, '  ')}\n`);
  return failed;
}

/** Waits until no connection is open any more, a second at most. */
async function quiet({ stack }: Network): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) {
    await sleep(20);
    const open = Object.keys(stack.host.stats().connections).filter(
      (state) => state !== 'LISTEN' && state !== 'TIME-WAIT',
    );
    if (open.length === 0) return;
  }
}

function conclusion({ path }: CaptureFile, screen: Terminal): string {
  return `${bold('Captured', screen)}   ${path}`;
}

function stayUp(network: Network, fetcher: Fetcher, screen: Terminal): void {
  const { namespace, tun } = network;
  const label = bold('Try it', screen);
  if (fetcher.byHand === undefined) {
    screen.line(
      `${label}     Nothing outside of this process reaches a wire in memory: press Enter to fetch again.`,
    );
    onEnter(() => void fetchOnce(network, fetcher, screen));
  } else {
    screen.line(`${label}     ${fetcher.byHand}`);
  }
  const rest = namespace === undefined ? '' : ` and removes ${tun} and ${namespace}`;
  screen.line(`${bold('Ctrl-C', screen)}     ends this${rest}.\n`);
  setInterval(() => undefined, 60_000); // a wire alone keeps no process alive
  if (namespace !== undefined) atEnd(() => screen.line(`Removed ${tun} and ${namespace}.`));
}

function onEnter(call: () => void): void {
  if (process.stdin.isTTY === true) process.stdin.on('data', call);
}
