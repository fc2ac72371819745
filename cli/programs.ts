import { AsyncLocalStorage } from 'node:async_hooks';
import { register } from 'node:module';
import { extname } from 'node:path';
import { pathToFileURL } from 'node:url';
import { register as registerCommonJs } from 'tsx/cjs/api';
import { register as registerTypeScript } from 'tsx/esm/api';
import { LayeredDevice } from '../device/layers/layered-device.ts';
import type { SocketApi } from '../socket-api/types.ts';
import type { Alarm, Scheduler } from '../stack/time.ts';
import type { HostParts } from './network.ts';

/** The Bun whose API `socket-api/` offers. */
const BUN_VERSION = '1.4.4';

/** A program and the stack that its `Bun` means; several may run in one process. */
export class Program {
  static readonly #running: AsyncLocalStorage<Program> = new AsyncLocalStorage();
  static #latest: Program | undefined;
  #api: SocketApi | undefined;

  /** Imports a program, TypeScript or JavaScript, with `globalThis.Bun` over `api`. Settles when its modules are evaluated. */
  async start(api: SocketApi, file: string, programArguments: readonly string[]): Promise<void> {
    prepare();
    this.#api = api;
    Program.#latest = this;
    process.argv = [process.execPath, file, ...programArguments];
    await this.run(() => import(pathToFileURL(file).href));
  }

  /** Makes a call whose `Bun`, and that of all that follows from it, is this program's. */
  run<T>(call: () => T): T {
    return Program.#running.run(this, call);
  }

  /** Of what this program's host has to be made if another program runs in this process. */
  parts(scheduler: Scheduler): HostParts {
    return {
      scheduler: new ProgramScheduler(this, scheduler),
      layer: (inner) =>
        new LayeredDevice(inner, {
          transmit: (frames) => inner.transmit(frames),
          framesArrived: (frames, receiver) => this.run(() => receiver.framesArrived(frames)),
        }),
    };
  }

  /** The API of the program that calls; handlers of a lone program are called from outside of any. */
  static get api(): SocketApi {
    const program = Program.#running.getStore() ?? Program.#latest;
    const api = program === undefined ? undefined : program.#api;
    if (api === undefined) throw new Error('no program was started');
    return api;
  }
}

/** A scheduler whose tasks run as a program's. */
class ProgramScheduler implements Scheduler {
  readonly #program: Program;
  readonly #scheduler: Scheduler;

  constructor(program: Program, scheduler: Scheduler) {
    this.#program = program;
    this.#scheduler = scheduler;
  }

  now(): ReturnType<Scheduler['now']> {
    return this.#scheduler.now();
  }

  soon(task: () => void): void {
    this.#scheduler.soon(() => this.#program.run(task));
  }

  alarm(task: () => void): Alarm {
    return this.#scheduler.alarm(() => this.#program.run(task));
  }
}

let prepared = false;

/** Provides `globalThis.Bun`, the module `bun`, and TypeScript. */
function prepare(): void {
  if (prepared) return;
  prepared = true;
  const bun = {
    listen: (options: never): unknown => Program.api.listen(options),
    connect: (options: never): unknown => Program.api.connect(options),
    version: BUN_VERSION,
    env: process.env,
    get argv(): readonly string[] {
      return process.argv;
    },
    get main(): string {
      return process.argv[1] ?? '';
    },
  };
  Object.defineProperty(globalThis, 'Bun', { value: bun, writable: true, configurable: true });
  registerCommonJs();
  registerTypeScript();
  register(`./module-hooks${extname(import.meta.url)}`, import.meta.url);
}
