// The server's half of iperf3, on Bun's socket API: `PORT=5201 glasstack run interop/iperf3-server.ts`, then `iperf3 -c` on the other side,
// with or without -R and -P. Serves one test after the other; both directions of one test at once (--bidir) it does not know.
import type { Socket, SocketApi } from '../socket-api/types.ts';

declare const Bun: SocketApi;

// The states that one side tells the other on the control connection, a byte each.
const TEST_START = 1;
const TEST_RUNNING = 2;
const TEST_END = 4;
const PARAM_EXCHANGE = 9;
const CREATE_STREAMS = 10;
const EXCHANGE_RESULTS = 13;
const DISPLAY_RESULTS = 14;
const IPERF_DONE = 16;

/** A connection begins with the cookie of its test. */
const COOKIE = 37;
const BLOCK = new Uint8Array(128 * 1024).fill(65);

type Parameters = { parallel?: number; reverse?: boolean };
type Peer = {
  input: Uint8Array;
  test: Test | undefined;
  isControl: boolean;
  bytes: number;
  id: number;
};

class Test {
  readonly control: Socket<Peer>;
  readonly cookie: string;
  readonly streams: Socket<Peer>[] = [];
  /** Whether the next thing from the client is a text (its parameters, its results), and not a state. */
  awaits: 'parameters' | 'results' | undefined = 'parameters';
  parameters: Parameters = {};
  running = false;
  began = 0;

  constructor(control: Socket<Peer>, cookie: string) {
    this.control = control;
    this.cookie = cookie;
    this.tell(PARAM_EXCHANGE);
  }

  tell(state: number): void {
    this.control.write(Uint8Array.of(state));
  }

  /** A data connection of this test is there. */
  add(stream: Socket<Peer>): void {
    this.streams.push(stream);
    // Streams are called 1, 3, 4, 5 …, for reasons of old.
    stream.data.id = this.streams.length === 1 ? 1 : this.streams.length + 1;
    if (this.streams.length < (this.parameters.parallel ?? 1)) return;
    this.running = true;
    this.began = performance.now();
    this.tell(TEST_START);
    this.tell(TEST_RUNNING);
    if (this.parameters.reverse === true) for (const each of this.streams) fill(each);
  }

  parametersCame(text: string): void {
    this.parameters = JSON.parse(text) as Parameters;
    this.awaits = undefined;
    this.tell(CREATE_STREAMS);
  }

  resultsCame(): void {
    const seconds = (performance.now() - this.began) / 1000;
    const results = {
      cpu_util_total: 0,
      cpu_util_user: 0,
      cpu_util_system: 0,
      sender_has_retransmits: 0,
      streams: this.streams.map(({ data: { id, bytes } }) => ({
        id,
        bytes,
        retransmits: -1,
        jitter: 0,
        errors: 0,
        packets: 0,
        start_time: 0,
        end_time: seconds,
      })),
    };
    const text = new TextEncoder().encode(JSON.stringify(results));
    const message = new Uint8Array(4 + text.length);
    new DataView(message.buffer).setUint32(0, text.length);
    message.set(text, 4);
    this.awaits = undefined;
    this.control.write(message);
    this.tell(DISPLAY_RESULTS);
  }

  stateCame(state: number): void {
    if (state === TEST_END) {
      this.running = false;
      // A client that waits for the rest of a block hears of nothing else until its stream ends.
      for (const stream of this.streams) stream.end();
      this.awaits = 'results';
      this.tell(EXCHANGE_RESULTS);
    } else if (state === IPERF_DONE) {
      this.control.end();
    }
  }
}

const tests: Map<string, Test> = new Map();

function fill(stream: Socket<Peer>): void {
  const peer = stream.data;
  while (peer.test?.running === true) {
    const taken = stream.write(BLOCK);
    if (taken > 0) peer.bytes += taken;
    if (taken < BLOCK.length) return; // closed, or no room: `drain` brings us back
  }
}

function begins(socket: Socket<Peer>): void {
  const { input } = socket.data;
  const cookie = new TextDecoder().decode(input.subarray(0, COOKIE));
  socket.data.input = input.subarray(COOKIE);
  const known = tests.get(cookie);
  const test = known ?? new Test(socket, cookie);
  socket.data.test = test;
  if (known !== undefined) return known.add(socket);
  socket.data.isControl = true;
  tests.set(cookie, test);
}

/** Takes what is whole out of the input of a control connection. */
function listens(socket: Socket<Peer>, test: Test): void {
  for (;;) {
    const { input } = socket.data;
    if (input.length === 0) return;
    if (test.awaits === undefined) {
      socket.data.input = input.subarray(1);
      test.stateCame(input[0] ?? 0);
      continue;
    }
    if (input.length < 4) return;
    const end = 4 + new DataView(input.buffer, input.byteOffset).getUint32(0);
    if (input.length < end) return;
    socket.data.input = input.subarray(end);
    const text = new TextDecoder().decode(input.subarray(4, end));
    if (test.awaits === 'parameters') test.parametersCame(text);
    else test.resultsCame();
  }
}

Bun.listen<Peer>({
  hostname: process.env['HOST'] ?? '0.0.0.0',
  port: Number(process.env['PORT'] ?? 5201),
  socket: {
    open: (socket) =>
      void (socket.data = {
        input: new Uint8Array(0),
        test: undefined,
        isControl: false,
        bytes: 0,
        id: 0,
      }),
    data(socket, chunk) {
      const peer = socket.data;
      if (peer.test !== undefined && !peer.isControl) {
        peer.bytes += chunk.length;
        return;
      }
      const input = new Uint8Array(peer.input.length + chunk.length);
      input.set(peer.input);
      input.set(chunk, peer.input.length);
      peer.input = input;
      if (peer.test === undefined && input.length >= COOKIE) begins(socket);
      if (peer.isControl && peer.test !== undefined) listens(socket, peer.test);
      else if (peer.test !== undefined) peer.bytes += peer.input.length;
    },
    drain: (socket) => {
      if (!socket.data.isControl) fill(socket);
    },
    close: (socket) => {
      if (socket.data.isControl && socket.data.test !== undefined) tests.delete(socket.data.test.cookie);
    },
  },
});
console.log('ready');
