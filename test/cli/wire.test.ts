import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { captureIn, glasstack, openFolder, ordinaryUser, textOf } from './support.ts';

describe('glasstack serve without TUN', () => {
  const user = ordinaryUser();
  const isRoot = process.getuid?.() === 0;

  it.skipIf(isRoot && user === undefined)('does the same over a wire, as an ordinary user', async () => {
    const folder = openFolder();
    const { code, stdout, stderr } = await glasstack(['serve', '--once', '--out', folder], {
      environment: { PORT: '8080' },
      ...(user !== undefined && { user }),
    });
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^No TUN: .*\.$/m);
    expect(stdout).toContain('10.77.0.2:8080');
    expect(stdout).toMatch(/SYN seq=0/);
    expect(stdout).toMatch(/ESTABLISHED ●/);
    expect(stdout).toContain('Hello from userspace TCP');
    expect(stdout).not.toContain('\x1b');
    expect(stdout).toContain(captureIn(folder));
    expect(textOf(captureIn(folder))).toContain('SYN-RECEIVED → ESTABLISHED (rcv ACK of SYN)');
  });

  it('stays up until Ctrl-C', async () => {
    const folder = openFolder();
    const { code, stdout } = await glasstack(['serve', '--wire', '--out', folder], {
      printed: (output, kill) => {
        if (/^Ctrl-C .*\n/m.test(output)) setTimeout(() => kill('SIGINT'), 200);
      },
    });
    expect(code).toBe(0);
    expect(stdout).toMatch(/Try it .*in memory/);
  });
});

describe('glasstack run --wire', () => {
  const folder = openFolder();
  const client = join(folder, 'client.ts');
  writeFileSync(
    client,
    `import { connect, type Socket } from 'bun';
const closed = new Promise<void>((resolve) => {
  connect({
    hostname: '10.77.0.2',
    port: 7,
    socket: {
      open: (socket: Socket) => void socket.write(process.argv.slice(2).join(' ')),
      data: (socket: Socket, chunk: Buffer) => { console.log(String(chunk), socket.localAddress); socket.end(); },
      close: () => resolve(),
    },
  });
});
await closed;
console.log(process.argv[1] === Bun.main, Bun.version);
process.exitCode = 3;
`,
  );

  it('runs two programs with a host each, and ends with their exit code', async () => {
    const words = ['run', 'examples/echo.ts', client, '--wire', '--ladder', '--', 'hello', '--there'];
    const { code, stdout, stderr } = await glasstack(words);
    expect(stdout).toBe('hello --there 10.77.0.1\ntrue 1.4.4\n');
    expect(stderr).toContain('ESTABLISHED ●');
    expect(code).toBe(3);
  });

  it("shows a program's error with its stack", async () => {
    const failing = join(folder, 'failing.ts');
    writeFileSync(failing, `const why: string = 'on purpose';\nthrow new Error(why);\n`);
    const { code, stderr } = await glasstack(['run', failing, client, '--wire']);
    expect(stderr).toMatch(/Error: on purpose\n.*failing\.ts:2/);
    expect(code).toBe(1);
  });

  it('gives each program its own Bun, also later', async () => {
    const server = join(folder, 'server.ts');
    writeFileSync(
      server,
      `Bun.listen({
  hostname: '0.0.0.0',
  port: 7,
  socket: {
    open() { setTimeout(() => Bun.connect({ hostname: '10.77.0.1', port: 9, socket: { data() {}, connectError() { console.log('server: refused by 10.77.0.1'); } } }).catch(() => {}), 1); },
    data(socket, chunk) { socket.write(chunk); },
  },
});
`,
    );
    const { stdout } = await glasstack(['run', server, client, '--wire', '--', 'x']);
    expect(stdout.split('\n')).toContain('server: refused by 10.77.0.1');
    expect(stdout).toContain('x 10.77.0.1');
  });
});

describe('glasstack ping --wire', () => {
  it('prints as iputils does', async () => {
    const { code, stdout } = await glasstack([
      'ping',
      '10.77.0.1',
      '--wire',
      '-c',
      '2',
      '-i',
      '0.05',
      '-s',
      '4000',
    ]);
    const lines = stdout.split('\n');
    expect(lines[0]).toBe('PING 10.77.0.1 (10.77.0.1) 4000(4028) bytes of data.');
    expect(lines[1]).toMatch(/^4008 bytes from 10\.77\.0\.1: icmp_seq=1 ttl=64 time=\d+\.\d+ ms$/);
    expect(lines[5]).toMatch(/^2 packets transmitted, 2 received, 0% packet loss, time \d+ms$/);
    expect(lines[6]).toMatch(/^rtt min\/avg\/max\/mdev = [\d.]+\/[\d.]+\/[\d.]+\/[\d.]+ ms$/);
    expect(code).toBe(0);
  });

  it('ends with 1 when nobody answers', async () => {
    const { code, stdout } = await glasstack(['ping', '10.77.0.99', '--wire', '-c', '1', '-W', '0.1']);
    expect(stdout).toMatch(/1 packets transmitted, 0 received, 100% packet loss/);
    expect(code).toBe(1);
  });
});
