import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { kernelMissing, withNamespace } from '../device/kernel-world.ts';
import { captureIn, glasstack, namespaces, openFolder, program, ROOT, textOf } from './support.ts';

const hash = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const ownNamespace = (output: string): string | undefined => /glasstack-\d+/.exec(output)?.[0];

/** A program inside a namespace. */
interface Inside {
  /** All that it wrote to stdout, once it has ended. */
  readonly output: Promise<Buffer>;
  /** It has written something to stderr. */
  readonly ready: Promise<unknown>;
}

/** Starts a Node script inside a namespace, fed with `input`. */
function inside(name: string, script: string, port: number, input: Uint8Array): Inside {
  const child = spawn('nsenter', [`--net=/run/netns/${name}`, process.execPath, '-e', script, String(port)]);
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stdin.end(input);
  const ready = new Promise((resolve) => child.stderr.once('data', resolve));
  const output = new Promise<Buffer>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', () => resolve(Buffer.concat(chunks)));
  });
  return { output, ready };
}

/** The kernel's end, in Node: what nc does, and the same everywhere. */
const CONNECT = `const s = require('node:net').connect({ host: '10.77.0.2', port: +process.argv[1], allowHalfOpen: true });
process.stdin.pipe(s); s.pipe(process.stdout);`;
const LISTEN = `require('node:net').createServer({ allowHalfOpen: true }, (s) => {
  process.stdin.pipe(s); s.pipe(process.stdout); s.on('close', () => process.exit()); }).listen(+process.argv[1], () => console.error('ready'));`;

describe.skipIf(kernelMissing())('glasstack over TUN', () => {
  it('serves a page to curl, leaves a clean capture and nothing else', async () => {
    const folder = openFolder();
    const { code, stdout, stderr } = await glasstack(['serve', '--once', '--out', folder]);
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^\$ (nsenter|ip netns exec)/m);
    expect(stdout).toMatch(/^ {2}HTTP\/1\.1 200 OK$/m);
    expect(stdout).toMatch(/LAST-ACK ●[^]*CLOSED ●/);
    const capture = captureIn(folder);
    expect(textOf(capture)).toContain('ESTABLISHED → CLOSE-WAIT (rcv FIN)');
    const own = ownNamespace(stdout);
    expect(own).toBeDefined();
    expect(namespaces()).not.toContain(own);
    const filter = '_ws.malformed || ip.checksum.status == "Bad" || tcp.checksum.status == "Bad"';
    const check = ['-o', 'tcp.check_checksum:TRUE', '-o', 'ip.check_checksum:TRUE'];
    const tshark = await program('tshark', '-r', capture, ...check, '-Y', filter);
    if (!/ENOENT/.test(tshark.output)) expect(tshark.output.replace(/^Running as user.*\n/, '')).toBe('');
  });

  it('stays up after that, and takes its namespace along on SIGTERM', async () => {
    let page: Promise<Buffer> | undefined;
    const { code, stdout } = await glasstack(['serve', '--out', openFolder()], {
      environment: { PORT: '8080' },
      printed: (output, kill) => {
        if (page !== undefined || !/^Ctrl-C .*\n/m.test(output)) return;
        const request = Buffer.from('GET /bytes/1000000 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
        page = inside(ownNamespace(output) ?? '', CONNECT, 8080, request).output;
        void page.then(() => kill('SIGTERM'));
      },
    });
    expect((await page)?.length).toBeGreaterThan(1_000_000);
    expect(stdout).toMatch(/Try it +sudo (nsenter|ip netns exec)/);
    expect(code).toBe(0);
    expect(namespaces()).not.toContain(ownNamespace(stdout));
  });

  it('runs a program in a namespace of its own until SIGINT', async () => {
    const file = join(openFolder(), 'program.ts');
    writeFileSync(
      file,
      `await import(${JSON.stringify(join(ROOT, 'examples/echo.ts'))});\nconsole.log('ready');\n`,
    );
    let echoed: Promise<Buffer> | undefined;
    const { code, stderr } = await glasstack(['run', file], {
      printed: (output, kill) => {
        if (echoed !== undefined || !output.includes('ready')) return;
        echoed = inside(ownNamespace(output) ?? '', CONNECT, 7, Buffer.from('to and fro')).output;
        void echoed.then(() => kill('SIGINT'));
      },
    });
    expect((await echoed)?.toString()).toBe('to and fro');
    expect(code).toBe(130);
    expect(namespaces()).not.toContain(ownNamespace(stderr));
  });

  it('pings the kernel', async () => {
    const { code, stdout } = await glasstack(['ping', '10.77.0.1', '-c', '2', '-i', '0.05', '-s', '65507']);
    expect(stdout).toMatch(/^2 packets transmitted, 2 received, 0% packet loss/m);
    expect(code).toBe(0);
  });

  it('nc tells at once that nobody listens', async () => {
    const { code, stderr } = await glasstack(['nc', '10.77.0.1', '1']);
    expect(stderr).toMatch(/^glasstack: Connecting to 10\.77\.0\.1:1 failed: .*\n$/);
    expect(code).toBe(1);
  });

  it('nc listens: bytes both ways, half-close', async () => {
    await withNamespace(async (name) => {
      const theirs = randomBytes(8_000_000);
      let kernel: Promise<Buffer> | undefined;
      const ours = randomBytes(1_000_000);
      const { code, bytes } = await glasstack(['nc', '-l', '9000', '--namespace', name], {
        input: ours,
        printed: () => {
          kernel ??= inside(name, CONNECT, 9000, theirs).output;
        },
      });
      expect(hash((await kernel) ?? Buffer.of())).toBe(hash(ours));
      expect(hash(bytes)).toBe(hash(theirs));
      expect(code).toBe(0);
    });
  });

  it('nc connects, and sends all of stdin', async () => {
    await withNamespace(async (name) => {
      const ours = randomBytes(8_000_000);
      const kernel = inside(name, LISTEN, 9001, Buffer.from('greeting'));
      await kernel.ready;
      const { code, stdout, stderr } = await glasstack(['nc', '10.77.0.1', '9001', '--namespace', name], {
        input: ours,
      });
      expect(stderr).toBe('');
      expect([stdout, code]).toEqual(['greeting', 0]);
      expect(hash(await kernel.output)).toBe(hash(ours));
    });
  });

  it('says which namespace is missing', async () => {
    const { code, stderr } = await glasstack(['ping', '10.77.0.1', '--namespace', 'no-such-one']);
    expect(stderr).toMatch(/^glasstack: There is no network namespace 'no-such-one'.*\n$/);
    expect(code).toBe(1);
  });
});
