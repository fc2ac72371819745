import { beforeAll, describe, expect, it } from 'vitest';
import type { Socket } from '../../socket-api/types.ts';
import { type Pair, pair, SERVER } from './harness.ts';

let net: Pair;

beforeAll(async () => {
  net = pair();
  Object.assign(globalThis, { Bun: net.S });
  await import('../../examples/http-hello.ts');
  await import('../../examples/echo.ts');
});

/** Sends `parts`, some time between them, and returns all that comes back until both have closed, or nothing more happens. */
async function talk(port: number, parts: readonly (string | Uint8Array)[], end = true): Promise<string> {
  const decoder = new TextDecoder('latin1');
  let answer = '';
  const queue: Uint8Array[] = parts.map((part) =>
    typeof part === 'string' ? new TextEncoder().encode(part) : part,
  );
  const send = (socket: Socket<unknown>): void => {
    for (let part = queue[0]; part !== undefined; part = queue[0]) {
      const taken = Math.max(0, socket.write(part));
      if (taken < part.length) {
        queue[0] = part.subarray(taken);
        return;
      }
      queue.shift();
      if (queue.length > 0) {
        net.clock.at((net.clock.now() + 1_000) as never, () => send(socket));
        return;
      }
    }
    if (end) socket.end();
  };
  const connecting = net.C.connect<unknown>({
    hostname: SERVER,
    port,
    socket: {
      open: send,
      drain: send,
      data: (_, chunk) => void (answer += decoder.decode(chunk)),
    },
  });
  await net.run(30_000);
  await connecting;
  return answer;
}

const get = (path: string, more = ''): string => `GET ${path} HTTP/1.1\r\nHost: h\r\n${more}\r\n`;
const bodyOf = (answer: string): string => answer.slice(answer.indexOf('\r\n\r\n') + 4);
const statusOf = (answer: string): string => answer.slice(0, answer.indexOf('\r\n'));

describe('examples/http-hello.ts', () => {
  it('answers with a page', async () => {
    const answer = await talk(80, [get('/')]);
    expect(statusOf(answer)).toBe('HTTP/1.1 200 OK');
    expect(answer).toContain(`Content-Length: ${bodyOf(answer).length}\r\n`);
    expect(bodyOf(answer)).toContain('<h1>');
  });

  it('does not care where chunks begin', async () => {
    const whole = await talk(80, [get('/')]);
    expect(await talk(80, [...get('/')])).toBe(whole);
  });

  it('answers pipelined requests in order, keeps the connection, and HEAD has no body', async () => {
    const head = `HEAD / HTTP/1.1\r\nHost: h\r\n\r\n`;
    const answer = await talk(
      80,
      [get('/bytes/3') + head + get('/missing') + get('/bytes/5', 'Connection: close\r\n')],
      false,
    );
    const lengths = [...answer.matchAll(/Content-Length: (\d+)/g)].map((found) => Number(found[1]));
    expect(answer.match(/HTTP\/1\.1 \d+/g)).toEqual([
      'HTTP/1.1 200',
      'HTTP/1.1 200',
      'HTTP/1.1 404',
      'HTTP/1.1 200',
    ]);
    expect(lengths).toEqual([3, 73, 14, 5]);
    expect(answer).toContain('\r\n\r\nabcHTTP/1.1 200 OK\r\nContent-Type: text/html');
    expect(answer.endsWith('abcde')).toBe(true);
    expect(net.hosts.server.stats().connections['ESTABLISHED'] ?? 0).toBe(0);
  });

  it('streams many bytes with backpressure', async () => {
    const answer = bodyOf(await talk(80, [get('/bytes/3000001')]));
    expect(answer.length).toBe(3_000_001);
    for (const at of [0, 25, 65_535, 65_536, 3_000_000]) {
      expect(answer.charCodeAt(at)).toBe(97 + ((at % 65_536) % 26));
    }
  });

  it('hashes a body that comes in pieces', async () => {
    const body = new Uint8Array(300_000).map((_, i) => i % 251);
    let hash = 0x811c9dc5;
    for (const byte of body) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
    const head = 'POST /hash HTTP/1.1\r\nHost: h\r\nContent-Length: 300000\r\n\r\n';
    const answer = await talk(80, [head, body.subarray(0, 7), body.subarray(7)]);
    expect(bodyOf(answer)).toBe(`${hash.toString(16).padStart(8, '0')}\n`);
  });

  it('answers a request that asks to close only when its body is complete', async () => {
    const head = 'POST /hash HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 2\r\n\r\n';
    expect(statusOf(await talk(80, [head, 'a', 'b'], false))).toBe('HTTP/1.1 200 OK');
  });

  it.each([
    ['garbage\r\n\r\n', '400 Bad Request'],
    ['GET / HTTP/1.1\r\n\r\n', '400 Bad Request'],
    ['GET / HTTP/1.1\r\nHost: h\r\nno colon\r\n\r\n', '400 Bad Request'],
    ['POST /hash HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n', '400 Bad Request'],
    ['POST /hash HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n', '501 Not Implemented'],
    [`GET / HTTP/1.1\r\nHost: h\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, '431 Request Header Fields Too Large'],
    [get('/missing'), '404 Not Found'],
  ])('%#: refuses', async (request, status) => {
    expect(statusOf(await talk(80, [request]))).toBe(`HTTP/1.1 ${status}`);
  });
});

it('examples/echo.ts gives back every byte, also those that did not fit at once', async () => {
  const bytes = new Uint8Array(2_000_000).map((_, i) => 32 + (i % 90));
  const answer = await talk(7, [bytes]);
  expect(answer.length).toBe(bytes.length);
  expect(answer === new TextDecoder('latin1').decode(bytes)).toBe(true);
});
