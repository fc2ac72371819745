import { afterEach, describe, expect, it, vi } from 'vitest';
import { nodeRuntime } from '../../socket-api/node/runtime.ts';
import { createSocketApi } from '../../socket-api/socket-api.ts';
import { StackEnd } from './stack-end.ts';
import { interopMissing, full, MIB, STACK, type World, withWorld } from './world.ts';

const URL = `http://${STACK}`;

/** Runs the example's server on the world's host, unchanged. */
export async function serveExample(world: World): Promise<void> {
  vi.stubGlobal('Bun', createSocketApi(world.host, nodeRuntime));
  vi.stubEnv('PORT', '80');
  vi.resetModules();
  await import('../../examples/http-hello.ts');
}

describe.skipIf(interopMissing)('an HTTP server on the stack', () => {
  afterEach(() => {
    vi.unstubAllGlobals();
    vi.unstubAllEnvs();
  });

  it('serves several URLs to curl over one connection', () =>
    withWorld({ name: 'curl-keep-alive' }, async (world) => {
      await serveExample(world);
      const urls = [`${URL}/`, `${URL}/bytes/0`, `${URL}/bytes/100000`, `${URL}/nothing`, `${URL}/`];
      const outputs = urls.flatMap(() => ['-o', '/dev/null']);
      const wanted = '%{http_code} %{size_download} %{num_connects}\\n';
      const { output } = await world.run('curl', '-s', ...outputs, '-w', wanted, ...urls);
      expect(output).toBe('200 73 1\n200 0 0\n200 100000 0\n404 14 0\n200 73 0\n');
    }));

  it('takes a body of 20 MiB from curl', () =>
    withWorld({ name: 'curl-post', bulk: true }, async (world) => {
      await serveExample(world);
      const script = `head -c ${20 * MIB} /dev/zero | curl -s --data-binary @- -H Expect: ${URL}/hash`;
      const { output } = await world.run('sh', '-c', script);
      let fnv = 0x811c9dc5;
      for (let i = 0; i < 20 * MIB; i++) fnv = Math.imul(fnv, 0x01000193);
      expect(output).toContain((fnv >>> 0).toString(16).padStart(8, '0'));
    }));

  const size = (full ? 1_024 : 64) * MIB;
  // Of each packet only the headers are kept, so checksums of TCP cannot be verified here; and only the first 10,000 frames, most
  // of them super-segments: tshark would take 20 s for all.
  it(`sends ${size / MIB} MiB to curl (headers of the first part captured)`, () =>
    withWorld({ name: 'curl-1-gib', snapLength: 96, frames: 10_000, bulk: true }, async (world) => {
      await serveExample(world);
      const { output, milliseconds } = await world.run(
        'curl',
        '-s',
        '-o',
        '/dev/null',
        '-w',
        '%{size_download}',
        `${URL}/bytes/${size}`,
      );
      expect(output).toBe(String(size));
      console.log(`curl: ${size / MIB} MiB in ${milliseconds.toFixed(0)} ms`);
    }));

  it('answers ab -k without a failed request', () =>
    withWorld({ name: 'ab', bulk: true }, async (world) => {
      await serveExample(world);
      const { output } = await world.run(
        'ab',
        '-q',
        '-k',
        '-c',
        '50',
        '-n',
        full ? '20000' : '2000',
        `${URL}/`,
      );
      expect(output).toMatch(/Failed requests: +0\n/);
      expect(output).toMatch(new RegExp(`Complete requests: +${full ? 20000 : 2000}\n`));
      console.log(/Requests per second.*/.exec(output)?.[0]);
    }));
});

describe.skipIf(interopMissing)('nc on the kernel’s side', () => {
  it('sends to us and gets the answer as client', () =>
    withWorld({ name: 'nc-client' }, async (world) => {
      const accepted = StackEnd.accept(world.host, 5001);
      const nc = world.start('nc', '-N', STACK, '5001');
      nc.tell('to the stack\n');
      nc.endInput();
      const end = await accepted;
      expect((await end.receive()).bytes).toBe(13);
      await end.send(new TextEncoder().encode('to the kernel\n'));
      end.connection.shutdown();
      expect(await nc.ended).toMatchObject({ code: 0, output: 'to the kernel\n', errors: '' });
      expect(await end.closed()).toEqual({ type: 'closed' });
    }));

  it('takes our connection as server', () =>
    withWorld({ name: 'nc-server' }, async (world) => {
      const nc = world.start('nc', '-v', '-n', '-N', '-l', '5001');
      await nc.says('Listening');
      const end = StackEnd.connect(world.host, 5001);
      await end.heard('established');
      await end.send(new TextEncoder().encode('to the kernel\n'));
      nc.tell('to the stack\n');
      nc.endInput();
      expect((await end.receive()).bytes).toBe(13);
      end.connection.shutdown();
      expect(await nc.ended).toMatchObject({ code: 0, output: 'to the kernel\n' });
      expect(await end.closed()).toEqual({ type: 'closed' });
    }));
});
