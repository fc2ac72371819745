// An HTTP/1.1 server on Bun's socket API and nothing else: runs unchanged under Bun and under `glasstack run`.
//   GET /   a page     GET /bytes/N   N bytes, as fast as they are taken     POST /hash   FNV-1a of the body
// Keep-alive, pipelining and HEAD work. Requests are answered one after the other, and while an answer waits for
// room nothing more is read: no peer can make the server hold more than a request's head and a block of an answer.
import type { Socket, SocketApi } from '../socket-api/types.ts';

declare const Bun: SocketApi;

const LARGEST_HEAD = 16 * 1024;
const PAGE = '<!doctype html><title>glasstack</title><h1>Hello from userspace TCP</h1>\n';
const BLOCK = new Uint8Array(64 * 1024).map((_, i) => 97 + (i % 26));
const latin1 = new TextDecoder('latin1'); // one character a byte: positions in text and bytes agree
const utf8 = new TextEncoder();

type Request = { method: string; path: string; left: number; hash: number; last: boolean };

class Connection {
  input: Uint8Array = new Uint8Array(0); // received and not looked at yet
  request: Request | undefined; // whose body is being read
  answer: Iterator<Uint8Array> | undefined; // the rest of the answer
  unsent: Uint8Array | undefined; // what the last write() did not take
  last = false; // close after this answer
  peerEnded = false;
}

/** Sends and answers while there is something to do; called whenever anything happened. */
function work(socket: Socket<Connection>): void {
  const connection = socket.data;
  socket.timeout(60); // counted anew from here: who does nothing for a minute is closed
  for (;;) {
    if (!sendAnswer(socket)) return socket.pause(); // `drain` brings us back
    connection.answer = connection.last ? undefined : nextAnswer(connection);
    if (connection.answer !== undefined) continue;
    if (connection.last || connection.peerEnded) socket.end();
    return socket.resume();
  }
}

/** False: write() took less than it was given, the rest has to wait. */
function sendAnswer(socket: Socket<Connection>): boolean {
  const connection = socket.data;
  for (;;) {
    const chunk = connection.unsent ?? connection.answer?.next().value;
    if (chunk === undefined) return true;
    const taken = socket.write(chunk);
    connection.unsent = taken < chunk.length ? chunk.subarray(Math.max(taken, 0)) : undefined;
    if (connection.unsent !== undefined) return false;
  }
}

/** Takes a request out of the input and answers it; undefined: more input is needed. */
function nextAnswer(connection: Connection): Iterator<Uint8Array> | undefined {
  if (connection.request === undefined) {
    const text = latin1.decode(connection.input.subarray(0, LARGEST_HEAD));
    const end = text.indexOf('\r\n\r\n');
    if (end < 0 && text.length < LARGEST_HEAD) return undefined;
    const request = end < 0 ? '431 Request Header Fields Too Large' : parse(text.slice(0, end));
    if (typeof request === 'string') {
      connection.last = true; // nobody knows where the next request begins
      return answer(connection, request);
    }
    connection.input = connection.input.subarray(end + 4);
    connection.request = request;
  }
  const { request, input } = connection;
  const body = input.subarray(0, request.left);
  for (const byte of body) request.hash = Math.imul(request.hash ^ byte, 0x01000193) >>> 0;
  request.left -= body.length;
  connection.input = input.subarray(body.length);
  if (request.left > 0) return undefined;
  connection.request = undefined;
  connection.last = request.last;
  return route(request, connection);
}

/** The request whose head this is, or the status to refuse it with. */
function parse(head: string): Request | string {
  const [first = '', ...lines] = head.split('\r\n');
  const [, method = '', path, version] = /^([A-Z]+) (\/[!-~]*) HTTP\/1\.([01])$/.exec(first) ?? [];
  const headers = new Map<string, string>();
  for (const line of lines) {
    const [, name = '', value = ''] = /^([\w!#$%&'*+.^`|~-]+):[ \t]*([^\0\r\n]*?)[ \t]*$/.exec(line) ?? [];
    const key = name.toLowerCase();
    headers.set(key, headers.has(key) ? `${headers.get(key)}, ${value}` : value); // so two lengths are no number
  }
  const left = headers.get('content-length') ?? '0';
  const hasHost = version === '0' || headers.has('host');
  if (path === undefined || headers.has('') || !hasHost || !/^\d{1,15}$/.test(left)) return '400 Bad Request';
  if (headers.has('transfer-encoding')) return '501 Not Implemented';
  const wish = headers.get('connection')?.toLowerCase();
  const last = version === '0' ? wish !== 'keep-alive' : wish === 'close';
  return { method, path, left: Number(left), hash: 0x811c9dc5, last };
}

function route({ method, path, hash }: Request, to: Connection): Iterator<Uint8Array> {
  const bytes = /^\/bytes\/(\d{1,12})$/.exec(path)?.[1];
  if (method === 'POST' && path === '/hash')
    return answer(to, '200 OK', `${hash.toString(16).padStart(8, '0')}\n`);
  const known = method === 'GET' || method === 'HEAD';
  if (known && path === '/') return answer(to, '200 OK', PAGE, method);
  if (known && bytes !== undefined) return answer(to, '200 OK', Number(bytes), method);
  return answer(to, '404 Not Found', undefined, method);
}

/** The bytes of an answer, a text or so many bytes; made piece by piece, as the peer takes them. */
function* answer(
  to: Connection,
  status: string,
  body: string | number = `${status}\n`,
  method = 'GET',
): Generator<Uint8Array> {
  const length = typeof body === 'string' ? body.length : body; // our texts are ASCII
  const type =
    body === PAGE ? 'text/html' : typeof body === 'string' ? 'text/plain' : 'application/octet-stream';
  const head = `HTTP/1.1 ${status}\r\nContent-Type: ${type}\r\nContent-Length: ${length}\r\n`;
  yield utf8.encode(`${head}Connection: ${to.last ? 'close' : 'keep-alive'}\r\n\r\n`);
  if (method === 'HEAD') return;
  if (typeof body === 'string') yield utf8.encode(body);
  else for (let left = body; left > 0; left -= BLOCK.length) yield BLOCK.subarray(0, left);
}

Bun.listen<Connection>({
  hostname: '0.0.0.0',
  port: Number(process.env['PORT'] ?? 80),
  allowHalfOpen: true, // a client that has sent its last request still gets the answer
  socket: {
    open: (socket) => void (socket.data = new Connection()),
    data(socket, chunk) {
      const { input } = socket.data;
      socket.data.input = new Uint8Array(input.length + chunk.length);
      socket.data.input.set(input);
      socket.data.input.set(chunk, input.length);
      work(socket);
    },
    drain: work,
    end(socket) {
      socket.data.peerEnded = true;
      work(socket);
    },
  },
});
