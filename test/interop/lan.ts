import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isInstalled } from '../../cli/namespace.ts';
import { openTap } from '../../device/tap.ts';
import type { KernelDevice } from '../../device/kernel-device.ts';
import { createNamespace, deleteNamespace } from '../../device/namespace.ts';
import { type Glasstack, glasstack, type GlasstackOptions } from '../../socket-api/node/glasstack.ts';
import { Program } from './program.ts';

export const LAN4 = '10.9.7.1';
export const LAN6 = 'fd09:7::1';
export const PAGE = 'served over this link';

/** What of this the machine lacks. */
export function missingPrograms(...programs: string[]): string[] {
  const missing = programs.filter((program) => !isInstalled(program));
  if (missing.length > 0)
    console.warn(`tests are skipped, for these programs are not installed: ${missing.join(', ')}`);
  return missing;
}

/** A namespace with the kernel's end of a TAP, and servers there; our end is for the test's stack. */
export class LanWorld {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'glasstack-lan-'));
  readonly #namespace: string;
  readonly #device: KernelDevice;
  readonly #programs: Program[] = [];
  #stack: Glasstack | undefined;

  constructor(namespace: string) {
    this.#namespace = namespace;
    const address = [`${LAN4}/24`, `${LAN6}/64`];
    this.#device = openTap({ name: 'gs0', address, networkNamespace: namespace });
  }

  /** A stack on our end; its profile is `linux` unless said otherwise. */
  stack(options: Omit<GlasstackOptions, 'device'> = {}): Glasstack {
    this.#stack = glasstack({ device: this.#device, configure: true, profile: 'linux', ...options });
    return this.#stack;
  }

  start(...command: string[]): Program {
    const program = new Program(this.#namespace, command);
    this.#programs.push(program);
    return program;
  }

  /** Writes a file for a program; returns its path. */
  file(name: string, text: string): string {
    const path = join(this.folder, name);
    writeFileSync(path, text);
    return path;
  }

  /** dnsmasq: DHCP, router advertisements, and a name for each family. */
  async dnsmasq(...more: string[]): Promise<Program> {
    const started = this.start(
      'dnsmasq',
      '--no-daemon',
      '--conf-file=/dev/null',
      '--no-resolv',
      '--no-hosts',
      '--no-ping',
      '--user=root',
      `--dhcp-leasefile=${join(this.folder, 'leases')}`,
      '--interface=gs0',
      '--bind-dynamic',
      '--domain=lan.test',
      '--local=/lan.test/',
      `--address=/four.lan.test/${LAN4}`,
      `--address=/six.lan.test/${LAN6}`,
      `--address=/both.lan.test/${LAN4}`,
      `--address=/both.lan.test/${LAN6}`,
      '--cname=alias.lan.test,host.lan.test',
      `--host-record=host.lan.test,${LAN4},${LAN6}`,
      '--log-dhcp',
      ...more,
    );
    await started.says('cleared cache');
    return started;
  }

  /** A web server on port 8080, both families. */
  async web(): Promise<void> {
    this.file('index.html', PAGE);
    const server = this.start(
      'python3',
      '-u',
      '-m',
      'http.server',
      '8080',
      '--bind',
      '::',
      '--directory',
      this.folder,
    );
    await server.says('Serving HTTP');
  }

  async close(): Promise<void> {
    this.#stack?.close();
    if (this.#stack === undefined) this.#device.close();
    for (const each of this.#programs) await each.stop('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }
}

let made = 0;

/** Runs `work` on a link of its own, and removes it. */
export async function withLan(work: (lan: LanWorld) => Promise<void>): Promise<void> {
  made += 1;
  const namespace = `gs-lan-${process.pid}-${made}`;
  createNamespace(namespace);
  try {
    // Routers send advertisements only if they forward; and the kernel's own duplicate detection would only cost time.
    const sysctls = ['net.ipv6.conf.all.forwarding=1', 'net.ipv6.conf.default.accept_dad=0'];
    await new Program(namespace, ['sysctl', '-eqw', ...sysctls]).ended;
    const lan = new LanWorld(namespace);
    try {
      await work(lan);
    } finally {
      await lan.close();
    }
  } finally {
    deleteNamespace(namespace);
  }
}

/** The page at `http://NAME:8080/`, fetched over the stack, and the address that it came from. */
export function fetchPage(
  stack: Glasstack,
  hostname: string,
): Promise<{ readonly page: string; readonly from: string }> {
  let text = '';
  let from = '';
  return new Promise((resolve, reject) => {
    stack
      .connect({
        hostname,
        port: 8080,
        socket: {
          open(socket) {
            from = socket.remoteAddress;
            socket.write(`GET / HTTP/1.0\r\nHost: ${hostname}\r\n\r\n`);
          },
          data(_socket, chunk) {
            text += chunk.toString('latin1');
          },
          close: (_socket, error) => {
            if (error === undefined) resolve({ page: text.split('\r\n\r\n')[1] ?? '', from });
            else reject(error);
          },
        },
      })
      .catch(reject);
  });
}
