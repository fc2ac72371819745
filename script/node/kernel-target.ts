import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import { createNamespace, deleteNamespace } from '../../device/namespace.ts';
import { openTun } from '../../device/tun.ts';
import { PacketBuffer } from '../../stack/bytes/packet-buffer.ts';
import type { Device } from '../../stack/link/device.ts';
import type { Instant } from '../../stack/time.ts';
import { formatAddress, isIPv4, isMulticast } from '../../stack/wire/address.ts';
import { parseScript } from '../language/parse-script.ts';
import { buildPacket } from '../packets/build.ts';
import { type LivePacket, readPacket } from '../packets/live-packet.ts';
import { ScriptConnection } from '../packets/mapping.ts';
import { wireVersion } from '../run/ip-version.ts';
import type { Plan } from '../run/plan.ts';
import type { Answer, AsyncTarget, Step } from '../run/target.ts';
import { type Argument, type CallOutcome, isStruct, type SystemCall } from '../system/system-call.ts';
import { errnoName } from '../system/words.ts';
import { KERNEL_HELPER } from './kernel-helper.ts';

const PREFIX = 'gs-script';
/** A call that may not block has so long, in ms, for the ways to the helper and back. */
const AT_ONCE = 1_000;
/** Below so many ms we do not trust a timer of Node's and look at the clock ourselves. */
const SPIN = 2;

/** What a stock Linux has, so that the machine's own settings do not matter; the script's come on top. */
const BASELINE: readonly (readonly [string, string])[] = [
  ['net.ipv4.tcp_rmem', '4096 131072 6291456'],
  ['net.ipv4.tcp_wmem', '4096 262144 4194304'],
  ['net.ipv4.tcp_syn_linear_timeouts', '0'],
  ['net.ipv4.tcp_no_metrics_save', '1'],
  ['net.ipv4.tcp_congestion_control', 'reno'],
];

let made = 0;

/** What the helper says. */
interface Message {
  readonly id: number;
  readonly result?: number;
  readonly errno?: number;
  readonly error?: string;
  readonly outputs?: readonly (readonly [number, Argument])[];
  readonly info?: Readonly<Record<string, number>>;
}

/** The kernel in a namespace of its own: packets over a TUN without offload, calls by a helper inside. Needs root. */
export class KernelTarget implements AsyncTarget {
  readonly #plan: Plan;
  readonly #device: Device;
  readonly #helper: ChildProcess;
  readonly #cleanUp: () => void;
  readonly #answers: Map<number, (message: Message) => void> = new Map();
  readonly #sent: LivePacket[] = [];
  #start: bigint = process.hrtime.bigint();
  #nextId: number = 1;
  #waiting: number | undefined;
  #returned: Answer['returned'] | undefined;
  #wake: (() => void) | undefined;
  /** The helper failed: nothing more can be found out. */
  #broken: string | undefined;

  private constructor(plan: Plan, device: Device, helper: ChildProcess, cleanUp: () => void) {
    this.#plan = plan;
    this.#device = device;
    this.#helper = helper;
    this.#cleanUp = cleanUp;
    device.attach({ framesArrived: (frames) => this.#framesArrived(frames), deviceClosed: () => undefined });
    if (helper.stdout !== null)
      createInterface({ input: helper.stdout }).on('line', (line) =>
        this.#message(JSON.parse(line) as Message),
      );
    helper.stdin?.on('error', () => undefined); // it is gone: `exit` says so
    helper.once('error', (error) => this.#helperGone(error.message));
    helper.once('exit', (code) =>
      this.#helperGone(`it ended with code ${code}; it needs nsenter and python3`),
    );
  }

  /** Makes the namespace and all that is in it, with the plan's settings. */
  static async open(plan: Plan): Promise<KernelTarget> {
    made += 1;
    const namespace = `${PREFIX}-${process.pid}-${made}`;
    createNamespace(namespace);
    const cleanUp = (): void => deleteNamespace(namespace);
    process.once('exit', cleanUp); // should the process end in mid-run
    try {
      const address = `${formatAddress(plan.local)}/${plan.prefixLength}`;
      quieten(namespace);
      const device = openTun({ address, mtu: plan.mtu, offload: false, networkNamespace: namespace });
      const family = isIPv4(plan.local) ? '-4' : '-6';
      inside(namespace, 'ip', family, 'route', 'add', 'default', 'dev', device.name);
      const helper = spawn('nsenter', [`--net=/run/netns/${namespace}`, 'python3', '-c', KERNEL_HELPER], {
        stdio: ['pipe', 'pipe', 'inherit'],
      });
      const target = new KernelTarget(plan, device, helper, () => {
        device.close();
        process.removeListener('exit', cleanUp);
        cleanUp();
      });
      try {
        await target.#prepare();
      } catch (error) {
        helper.kill();
        device.close();
        throw error;
      }
      return target;
    } catch (error) {
      process.removeListener('exit', cleanUp);
      cleanUp();
      throw error;
    }
  }

  /** Ends the helper and takes the namespace away. */
  async close(): Promise<void> {
    await this.#ask({ do: 'reset' });
    this.#helper.stdin?.end();
    this.#helper.kill();
    this.#cleanUp();
  }

  async perform(step: Step): Promise<Answer> {
    switch (step.type) {
      case 'sleep':
        await this.#until(step.until, () => false);
        break;
      case 'packet':
        await this.#until(step.until, () => this.#sent.length > 0);
        break;
      case 'result':
        await this.#until(step.until, () => this.#returned !== undefined);
        break;
      case 'inject':
        this.#device.transmit([PacketBuffer.copyOf(step.bytes, this.#device.headroom)]);
        break;
      case 'start':
        await this.#call(step.call, step.blocking);
        break;
      case 'cancel':
        this.#waiting = undefined;
        break;
      case 'info':
        return { ...this.#answer(), info: (await this.#ask({ do: 'info' })).info ?? {} };
    }
    return this.#answer();
  }

  async #prepare(): Promise<void> {
    const items = this.#plan.sysctls
      .filter(({ name }) => /^net\.ipv[46]\./.test(name))
      // What holds for all interfaces is looked up at the one that is used.
      .map(({ name, value }) => [name.replace('.conf.all.', `.conf.${this.#device.name}.`), value]);
    const { error } = await this.#ask({ do: 'sysctl', items: [...BASELINE, ...items] });
    if (error !== undefined) throw new Error(`the kernel could not be made ready: ${error}`);
    await this.#warmUp();
    this.#start = process.hrtime.bigint();
  }

  /** The first packet through a new interface takes its time, and the kernel sends things of its own accord. */
  async #warmUp(): Promise<void> {
    const addresses = { remote: this.#plan.remote, local: this.#plan.local };
    const probe = parseScript('0 < S 0:0(0) win 0').events[0];
    if (probe?.action.type !== 'packet') return;
    const nobody = new ScriptConnection('', 1, 1);
    for (let round = 0; round < 2; round++) {
      const bytes = buildPacket(probe.action, nobody, addresses, probe.position);
      this.#device.transmit([PacketBuffer.copyOf(bytes, this.#device.headroom)]);
      const limit = (this.#now() + 100_000) as Instant;
      // oxlint-disable-next-line no-await-in-loop -- the second round is to find everything warm
      await this.#until(limit, () => this.#sent.length > round);
    }
    await this.#until((this.#now() + 10_000) as Instant, () => false);
    this.#sent.length = 0;
  }

  #now(): Instant {
    return Number((process.hrtime.bigint() - this.#start) / 1_000n) as Instant;
  }

  #answer(): Answer {
    const returned = this.#returned;
    this.#returned = undefined;
    const answer = { now: this.#now(), packets: this.#sent.splice(0) };
    return returned === undefined ? answer : { ...answer, returned };
  }

  #framesArrived(frames: readonly PacketBuffer[]): void {
    const at = this.#now();
    for (const frame of frames) {
      const packet = readPacket(frame.contents().slice(), at);
      const { version, destination } = packet.ip;
      // Router solicitations, reports of groups and their kin are not meant.
      if (version === wireVersion(this.#plan.ipVersion) && !isMulticast(destination)) this.#sent.push(packet);
    }
    this.#wake?.();
  }

  /** Lets real time pass until `until` or until `done`: by a timer, and by looking at the clock near the end. */
  async #until(until: Instant, done: () => boolean): Promise<void> {
    for (;;) {
      const left = (until - this.#now()) / 1_000;
      if (done() || left <= 0) return;
      // oxlint-disable-next-line no-await-in-loop -- time passes
      await new Promise<void>((resolve) => {
        const timer = left > SPIN ? setTimeout(resolve, Math.min(left - SPIN, 60_000)) : undefined;
        const immediate = timer === undefined ? setImmediate(resolve) : undefined;
        this.#wake = () => {
          clearTimeout(timer);
          clearImmediate(immediate);
          resolve();
        };
      });
      this.#wake = undefined;
    }
  }

  async #call(call: SystemCall, blocking: boolean): Promise<void> {
    const { local, remote, bindPort, connectPort, ipVersion } = this.#plan;
    const before = ipVersion === 'ipv4-mapped-ipv6' ? '::ffff:' : '';
    const id = this.#send({
      do: 'call',
      name: call.name,
      args: call.args.map(plain),
      descriptor: call.newDescriptor,
      v6: ipVersion !== 'ipv4',
      bind: [before + formatAddress(local), bindPort],
      connect: [before + formatAddress(remote), connectPort],
    });
    this.#waiting = id;
    this.#answers.set(id, (message) => {
      if (this.#waiting !== id) return;
      this.#waiting = undefined;
      if (message.error === undefined) this.#returned = { at: this.#now(), outcome: outcomeOf(message) };
      else this.#broken = message.error;
      this.#wake?.();
    });
    const limit = (this.#now() + (blocking ? 0 : AT_ONCE * 1_000)) as Instant;
    await this.#until(limit, () => this.#returned !== undefined || this.#broken !== undefined);
    if (this.#broken !== undefined)
      throw new Error(`the helper that makes calls on the kernel failed: ${this.#broken}`);
  }

  #send(message: object): number {
    const id = this.#nextId;
    this.#nextId += 1;
    this.#helper.stdin?.write(`${JSON.stringify({ ...message, id })}\n`);
    return id;
  }

  #ask(message: object): Promise<Message> {
    return new Promise((resolve) => {
      if (this.#broken !== undefined) return resolve({ id: 0, error: this.#broken });
      const id = this.#send(message);
      this.#answers.set(id, resolve);
    });
  }

  #helperGone(why: string): void {
    this.#broken ??= why;
    for (const id of this.#answers.keys()) this.#message({ id, error: why });
    this.#wake?.();
  }

  #message(message: Message): void {
    this.#answers.get(message.id)?.(message);
    this.#answers.delete(message.id);
  }
}

function outcomeOf({ result = -1, errno, outputs = [] }: Message): CallOutcome {
  const name = errno === undefined ? undefined : errnoName(errno);
  return { result, errno: name, outputs: new Map(outputs.map(([index, value]) => [index, revived(value)])) };
}

/** Structs as JSON has them. */
function plain(value: Argument): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (value === undefined) return null;
  if (!isStruct(value)) return value;
  const fields = [...value.fields].map(([name, field]) => [name, plain(field)] as const);
  return { fields: Object.fromEntries(fields), values: value.values.map(plain) };
}

function revived(value: unknown): Argument {
  if (Array.isArray(value)) return value.map(revived);
  if (typeof value === 'number' || typeof value === 'string') return value;
  if (typeof value !== 'object' || value === null || !('fields' in value)) return undefined;
  const { fields } = value;
  const entries = typeof fields === 'object' && fields !== null ? Object.entries(fields) : [];
  return { fields: new Map(entries.map(([name, field]) => [name, revived(field)])), values: [] };
}

/** Interfaces that are made from now on have no addresses of their own accord, and look for no routers. */
function quieten(namespace: string): void {
  const settings = ['accept_dad=0', 'dad_transmits=0', 'router_solicitations=0', 'addr_gen_mode=1'];
  for (const setting of settings) inside(namespace, 'sysctl', '-qw', `net.ipv6.conf.default.${setting}`);
}

function inside(namespace: string, ...command: string[]): void {
  const { status, stderr } = spawnSync('nsenter', [`--net=/run/netns/${namespace}`, ...command], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`${command.join(' ')} failed in the namespace ${namespace}: ${stderr}`);
}
