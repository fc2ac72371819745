import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Child } from './child.ts';
import { makeNamespace, removeNamespace } from './namespaces.ts';

const MIB = 1024 * 1024;
const SIZE = 20 * MIB;
const root = join(import.meta.dirname, '..');

/** The kernel's address and ours, as `glasstack` has them if it is told nothing. */
const KERNEL = '10.77.0.1';
const STACK = '10.77.0.2';

/** A program on the kernel's side, and what it does with ours. */
export interface ProgramRow {
  readonly id: string;
  readonly program: string;
  /** What has to be installed. */
  readonly needs: string;
  /** What stands on our side, and what happens. */
  readonly title: string;
  /** Returns what is worth telling. @throws Error if anything is not as it has to be */
  readonly run: (world: ProgramWorld) => Promise<string>;
}

/** What became of a row. */
export interface ProgramResult {
  readonly id: string;
  readonly trouble?: string;
  readonly told?: string;
}

/** A namespace for a program of the system's, and `glasstack` with a TUN into it. */
export class ProgramWorld {
  readonly namespace: string = makeNamespace();
  readonly folder: string = mkdtempSync(join(tmpdir(), 'interop-'));
  readonly #children: Child[] = [];

  /** Starts a program on the kernel's side. */
  kernel(...command: string[]): Child {
    return this.#start(['nsenter', `--net=/run/netns/${this.namespace}`, ...command]);
  }

  /** Starts our command line, from its sources. */
  glasstack(...words: string[]): Child {
    const [command = '', ...rest] = words;
    const main = join(root, 'cli', 'main.ts');
    return this.#start(
      [process.execPath, '--import', 'tsx', main, command, '--namespace', this.namespace, ...rest],
      { PORT: '80' },
    );
  }

  /** Runs one of our programs as a server, and waits until it can be reached. */
  async serve(file: string): Promise<void> {
    const server = this.glasstack('run', join(root, file));
    // Somebody has to ask: a listener says nothing.
    for (let left = 100; left > 0; left -= 1) {
      const ask = await this.kernel('nc', '-z', '-w', '1', STACK, '80').ended;
      if (ask.code === 0) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    await server.stop();
    throw new Error(`${file} cannot be reached: ${(await server.ended).errors}`);
  }

  async close(): Promise<void> {
    for (const child of this.#children) await child.stop();
    rmSync(this.folder, { recursive: true, force: true });
    removeNamespace(this.namespace);
  }

  #start(command: readonly string[], environment: Readonly<Record<string, string>> = {}): Child {
    const child = new Child(command, environment);
    this.#children.push(child);
    return child;
  }
}

/** Runs a row in a world of its own. Never fails. */
export async function runProgram({ id, run }: ProgramRow): Promise<ProgramResult> {
  const world = new ProgramWorld();
  try {
    return { id, told: await run(world) };
  } catch (error) {
    return { id, trouble: error instanceof Error ? error.message : String(error) };
  } finally {
    await world.close();
  }
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function same(what: string, found: unknown, wanted: unknown): void {
  if (found !== wanted) throw new Error(`${what}: ${String(found)} instead of ${String(wanted)}`);
}

/** Nginx in the foreground with one server for the world's folder. */
async function nginx(world: ProgramWorld): Promise<void> {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${world.folder}/${name};`,
  );
  const server = `server { listen ${KERNEL}:8080; root ${world.folder}; keepalive_requests 10000; }`;
  const lines = [
    'daemon off;',
    'master_process off;',
    `pid ${world.folder}/pid;`,
    'error_log stderr notice;',
    'events {}',
    `http { access_log off; ${temporary.join(' ')} ${server} }`,
  ];
  const file = join(world.folder, 'nginx.conf');
  chmodSync(world.folder, 0o755);
  writeFileSync(file, lines.join('\n'));
  // The address appears with our TUN: `sysctl` lets nginx listen before.
  await world.kernel('sysctl', '-qw', 'net.ipv4.ip_nonlocal_bind=1').good();
  const child = world.kernel('nginx', '-c', file, '-p', world.folder, '-e', 'stderr');
  await child.says('using the "epoll"');
}

/** The body of a whole answer; undefined while some of it is missing. */
function bodyOf(answer: Buffer): Buffer | undefined {
  const end = answer.indexOf('\r\n\r\n');
  const body = answer.subarray(end + 4);
  return end < 0 || body.length < SIZE ? undefined : body;
}

/**
 * Sends requests by `glasstack nc`, whose FIN has to wait: nginx gives up who shuts before the answer is there. `done` is asked once there
 * are `least` bytes.
 */
async function ask(
  world: ProgramWorld,
  requests: string,
  least: number,
  done: (answer: Buffer) => boolean,
): Promise<Buffer> {
  const nc = world.glasstack('nc', KERNEL, '8080');
  nc.tell(requests);
  await nc.until(() => nc.printed >= least && done(nc.output), 'the whole answer');
  nc.endInput();
  return (await nc.good()).output;
}

async function nginxFile(world: ProgramWorld): Promise<string> {
  const data = randomBytes(SIZE);
  writeFileSync(join(world.folder, 'file'), data);
  await nginx(world);
  const request = 'GET /file HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
  const answer = await ask(world, request, SIZE, (answer) => bodyOf(answer) !== undefined);
  same('status', answer.subarray(0, 15).toString(), 'HTTP/1.1 200 OK');
  same('sha256', sha256(bodyOf(answer) ?? answer), sha256(data));
  return '20 MiB, sha256 equal';
}

async function nginxPipeline(world: ProgramWorld): Promise<string> {
  const data = randomBytes(10_000).toString('hex');
  writeFileSync(join(world.folder, 'file'), data);
  await nginx(world);
  const answers = (answer: Buffer): number => answer.toString().split(data).length - 1;
  const requests = 'GET /file HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(200);
  const answer = await ask(world, requests, 200 * data.length, (answer) => answers(answer) === 200);
  same('answers', answers(answer), 200);
  return '200 answers on one connection';
}

/** What `GET /bytes/SIZE` of the example gives. */
function exampleBytes(): Uint8Array {
  return new Uint8Array(SIZE).map((_, index) => 97 + ((index % 65_536) % 26));
}

async function wget(world: ProgramWorld): Promise<string> {
  await world.serve('examples/http-hello.ts');
  const { output, ms } = await world.kernel('wget', '-q', '-O', '-', `http://${STACK}/bytes/${SIZE}`).good();
  same('sha256', sha256(output), sha256(exampleBytes()));
  return `20 MiB in ${Math.round(ms)} ms, sha256 equal`;
}

/** We send, shut, and get the answer that is only possible after our FIN. */
async function socatServer(world: ProgramWorld): Promise<string> {
  const data = randomBytes(SIZE);
  await world.kernel('sysctl', '-qw', 'net.ipv4.ip_nonlocal_bind=1').good();
  const listen = `TCP-LISTEN:5001,bind=${KERNEL},reuseaddr`;
  const socat = world.kernel('socat', '-d', '-d', '-t', '20', listen, 'SYSTEM:sha256sum');
  await socat.says('listening on');
  const nc = world.glasstack('nc', KERNEL, '5001');
  nc.endInput(data);
  const { output } = await nc.good();
  same('sha256', output.toString().split(' ')[0], sha256(data));
  await socat.good();
  return 'answer after our FIN: sha256 equal';
}

/** The same the other way round: the kernel sends, shuts, and gets the answer. */
async function socatClient(world: ProgramWorld): Promise<string> {
  const data = randomBytes(SIZE);
  const nc = world.glasstack('nc', '-l', '5001');
  await nc.says('listening on port');
  const socat = world.kernel('socat', '-t', '20', 'STDIO', `TCP:${STACK}:5001`);
  socat.endInput(data);
  await nc.until(() => nc.printed === SIZE, 'all of it');
  nc.endInput('got it\n');
  const { output } = await socat.good();
  same('answer', output.toString(), 'got it\n');
  same('sha256', sha256((await nc.good()).output), sha256(data));
  return 'answer after its FIN, sha256 equal';
}

function iperf3(...words: string[]): (world: ProgramWorld) => Promise<string> {
  return async (world) => {
    await world.serve('interop/iperf3-server.ts');
    const { output } = await world
      .kernel('iperf3', '-c', STACK, '-p', '80', '-t', '2', '-J', ...words)
      .good();
    const report = JSON.parse(output.toString()) as {
      end: { sum_received: { bits_per_second: number }; sum_sent: { bytes: number } };
    };
    const { sum_received: received, sum_sent: sent } = report.end;
    if (!(sent.bytes > MIB)) throw new Error(`only ${sent.bytes} bytes were sent`);
    return `${(received.bits_per_second / 1e9).toFixed(1)} Gbit/s`;
  };
}

async function tcptraceroute(world: ProgramWorld): Promise<string> {
  await world.serve('examples/http-hello.ts');
  for (const [port, state] of [
    ['80', 'open'],
    ['81', 'closed'],
  ] as const) {
    const { output } = await world.kernel('tcptraceroute', '-n', '-m', '3', STACK, port).good();
    if (!output.toString().includes(`${STACK} [${state}]`)) {
      throw new Error(`port ${port} is not ${state}: ${output.toString().trim()}`);
    }
  }
  return 'one hop; open and closed port told apart';
}

/** All rows of the second table. */
export const PROGRAMS: readonly ProgramRow[] = [
  { id: 'nginx', program: 'nginx', needs: 'nginx', title: '`glasstack nc` gets a file', run: nginxFile },
  {
    id: 'nginx-pipeline',
    program: 'nginx',
    needs: 'nginx',
    title: '`glasstack nc` sends 200 requests at once',
    run: nginxPipeline,
  },
  {
    id: 'wget',
    program: 'wget',
    needs: 'wget',
    title: 'gets 20 MiB from `examples/http-hello.ts`',
    run: wget,
  },
  {
    id: 'socat-server',
    program: 'socat',
    needs: 'socat',
    title: 'answers `glasstack nc` after its FIN',
    run: socatServer,
  },
  {
    id: 'socat-client',
    program: 'socat',
    needs: 'socat',
    title: 'sends to `glasstack nc -l`, shuts, waits for the answer',
    run: socatClient,
  },
  {
    id: 'iperf3',
    program: 'iperf3',
    needs: 'iperf3',
    title: 'sends to `interop/iperf3-server.ts`',
    run: iperf3(),
  },
  {
    id: 'iperf3-reverse',
    program: 'iperf3 -R',
    needs: 'iperf3',
    title: 'receives from it',
    run: iperf3('-R'),
  },
  {
    id: 'iperf3-parallel',
    program: 'iperf3 -P 4',
    needs: 'iperf3',
    title: 'sends to it on four connections',
    run: iperf3('-P', '4'),
  },
  {
    id: 'iperf3-parallel-reverse',
    program: 'iperf3 -P 4 -R',
    needs: 'iperf3',
    title: 'receives from it on four connections',
    run: iperf3('-P', '4', '-R'),
  },
  {
    id: 'tcptraceroute',
    program: 'tcptraceroute',
    needs: 'tcptraceroute',
    title: 'finds us with SYNs of small TTL',
    run: tcptraceroute,
  },
];
