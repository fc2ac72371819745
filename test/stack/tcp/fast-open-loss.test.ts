import { expect, it } from 'vitest';
import type { FrameDirection } from '../../../device/layers/frame-rule.ts';
import { dropFrames, rules } from '../../../sim/rules.ts';
import type { FastOpenConnect } from '../../../stack/tcp/fast-open-client.ts';
import type { ConnectionEvent } from '../../../stack/tcp/events.ts';
import { type Duration, ms, seconds } from '../../../stack/time.ts';
import { Pair, type PairOptions, Program, expectComplete } from './pair.ts';
import { PEER, stream } from './words.ts';

const REQUEST = 2_500;
const RESPONSE = 4_000;
const TCP = { msl: seconds(1) };

/** A request with Fast Open and its answer, both of several segments. Returns how many frames there were, when it was answered, and when it was over. */
function exchange(
  name: string,
  options: PairOptions,
  fastOpen: FastOpenConnect,
  request: number = REQUEST,
): { frames: number; end: number; answered: number } {
  let frames = 0;
  const { onFrame } = options;
  const pair = new Pair({
    mtu: 1_000,
    client: { tcp: TCP },
    server: { tcp: TCP },
    ...options,
    onFrame: (frame) => {
      frames += 1;
      return onFrame?.(frame) ?? 'pass';
    },
  });
  let end = 0;
  let answered = 0;
  pair.explain(name, () => {
    const client = new Client(pair.clock);
    const server = new Program(RESPONSE, request);
    const listener = pair.server.tcp.listen(
      { port: 80, fastOpen: { cookies: false } },
      {
        connectionReady: () => {
          server.connection = listener.accept(server);
        },
      },
    );
    const data = stream(0, request);
    client.connection = pair.client.tcp.connect(
      { remote: { address: PEER, port: 80 }, fastOpen: { ...fastOpen, data } },
      client,
    );
    end = pair.finish(seconds(40));
    answered = client.answeredAt ?? 0;
    expectComplete(pair, [client, request], [server, RESPONSE]);
  });
  return { frames, end, answered };
}

/** Has sent everything with the call that opened the connection; closes when the handshake is over. */
class Client extends Program {
  /** When the first byte of the answer came. */
  answeredAt: number | undefined;
  readonly #clock: Pair['clock'];

  constructor(clock: Pair['clock']) {
    super(0, 0);
    this.#clock = clock;
  }

  override connectionEvent(event: ConnectionEvent): void {
    if (event.type === 'readable') this.answeredAt ??= this.#clock.now();
    super.connectionEvent(event);
  }
}

const clean = exchange('clean', {}, { cookie: false });

it('saves a request that fits into the SYN one round trip [RFC 7413 1]', () => {
  const request = 400;
  const plain = exchange('plain', {}, {}, request);
  const fast = exchange('fast', {}, { cookie: false }, request);
  expect([plain.answered, fast.answered]).toEqual([ms(40), ms(20)]);
});

it.each([
  ['one', [0]],
  ['two in a row', [0, 1]],
  ['every second of four', [0, 2]],
])('survives the loss of any frame: %s [RFC 7413 4.2.2; RFC 9293 3.8.1]', (_, pattern) => {
  for (const direction of ['a→b', 'b→a'] as const satisfies readonly FrameDirection[]) {
    for (let first = 0; first < clean.frames; first++) {
      const fault = dropFrames(
        direction,
        pattern.map((step) => first + step),
      );
      exchange(
        `without ${direction} #${first} ${pattern.join()}`,
        { onFrame: rules(fault) },
        { cookie: false },
      );
    }
  }
});

it('gets through a path that swallows every SYN with data [RFC 7413 4.1.3.1]', () => {
  const limit: Duration = seconds(2);
  let swallowed = 0;
  const { end } = exchange(
    'black hole',
    {
      onFrame: ({ packet, direction }) => {
        const bytes = packet.contents();
        const isSynWithData = ((bytes[33] ?? 0) & 2) !== 0 && bytes.length > 100;
        if (direction === 'a→b' && isSynWithData) swallowed += 1;
        return direction === 'a→b' && isSynWithData ? 'drop' : 'pass';
      },
    },
    { cookie: false },
  );
  expect(swallowed).toBe(1);
  expect(end).toBeLessThan(clean.end + limit);
});
