/** Two hosts on a wire in virtual time, and a DNS server for tests on one of them. */
import * as packet from 'dns-packet';
import { wire } from '../../../../device/wire.ts';
import { seededRandom } from '../../../../sim/random.ts';
import { VirtualClock } from '../../../../sim/virtual-clock.ts';
import { Host } from '../../../../stack/host.ts';
import type { ConnectionEvent, Endpoint } from '../../../../stack/tcp/events.ts';
import type { TcpConnection } from '../../../../stack/tcp/connection.ts';
import { ms, type Duration } from '../../../../stack/time.ts';
import type { UdpSocket } from '../../../../stack/udp/udp.ts';
import { type IPv4Address, ipv4 } from '../../../../stack/wire/address.ts';

export const CLIENT: IPv4Address = ipv4(10, 0, 0, 2);
export const SERVER: IPv4Address = ipv4(10, 0, 0, 1);
export const SECOND: IPv4Address = ipv4(10, 0, 0, 3);

export type Zone = ReadonlyMap<string, readonly packet.Answer[]>;

/** A question that the model was asked. */
export interface Asked {
  readonly name: string;
  readonly type: string;
  readonly over: 'udp' | 'tcp';
  readonly id: number;
  readonly from: Endpoint;
}

/** Answers from a zone; what is not in it does not exist. */
export class DnsServerModel {
  zone: Zone = new Map();
  readonly asked: Asked[] = [];
  /** Names for which nothing is said, and what is said in place of an answer. */
  silent: (name: string, type: string) => boolean = () => false;
  code: string = 'NOERROR';
  truncate: boolean = false;
  delay: (type: string) => Duration = () => ms(0);
  /** Changes an answer's bytes; undefined: it is not sent. */
  tamper: (bytes: Uint8Array, asked: Asked) => readonly Uint8Array[] = (bytes) => [bytes];
  readonly #host: Host;
  readonly #clock: VirtualClock;
  readonly #socket: UdpSocket;

  constructor(host: Host, clock: VirtualClock, address: IPv4Address) {
    this.#host = host;
    this.#clock = clock;
    const socket = host.udp.bind(address, 53, {
      datagramArrived: (data, from) => this.#datagram(data, from),
    });
    if (socket === undefined) throw new Error('port 53 is taken');
    this.#socket = socket;
    const listener = host.tcp.listen(
      { address, port: 53 },
      {
        connectionReady: () => {
          for (;;) {
            const owner = {
              connectionEvent: (event: ConnectionEvent): void => this.#stream(connection, event),
            };
            const connection = listener.accept(owner);
            if (connection === undefined) return;
          }
        },
      },
    );
  }

  /** `NAME TYPE` of what was asked since the last call. */
  take(): string[] {
    return this.asked
      .splice(0)
      .map(({ name, type, over }) => `${name} ${type}${over === 'tcp' ? ' tcp' : ''}`);
  }

  #datagram(data: Uint8Array, from: Endpoint): void {
    const answer = this.#answer(data, 'udp', from);
    if (answer === undefined) return;
    const { asked, bytes } = answer;
    this.#clock.at((this.#clock.now() + this.delay(asked.type)) as never, () =>
      this.#host.run(() => {
        for (const each of this.tamper(bytes, asked)) this.#socket.send(each, from.address, from.port);
      }),
    );
  }

  #stream(connection: TcpConnection | undefined, event: ConnectionEvent): void {
    if (event.type === 'end') connection?.close();
    if (event.type !== 'readable' || connection === undefined) return;
    const data = connection.receive();
    if (data === undefined) return;
    const answer = this.#answer(data.subarray(2), 'tcp', connection.remote);
    if (answer === undefined) return;
    const { bytes } = answer;
    // In two parts: a reader that takes the first for everything is found out.
    connection.send(Uint8Array.of(bytes.length >>> 8, bytes.length & 0xff, ...bytes.subarray(0, 5)));
    connection.send(bytes.subarray(5));
  }

  #answer(
    data: Uint8Array,
    over: 'udp' | 'tcp',
    from: Endpoint,
  ): { readonly bytes: Uint8Array; readonly asked: Asked } | undefined {
    const query = packet.decode(Buffer.from(data));
    const [question] = query.questions ?? [];
    if (question === undefined) return undefined;
    const asked = { name: question.name, type: question.type, over, id: query.id ?? -1, from };
    this.asked.push(asked);
    const name = question.name.toLowerCase();
    if (this.silent(name, question.type)) return undefined;
    const records = this.zone.get(name);
    const answers = (records ?? []).filter(({ type }) => type === question.type || type === 'CNAME');
    const truncated = this.truncate && over === 'udp';
    const codes = new Map([
      ['NOERROR', 0],
      ['SERVFAIL', 2],
      ['NXDOMAIN', 3],
      ['REFUSED', 5],
    ]);
    const code = codes.get(records === undefined && this.code === 'NOERROR' ? 'NXDOMAIN' : this.code) ?? 0;
    const bytes = packet.encode({
      type: 'response',
      id: query.id,
      flags:
        packet.RECURSION_DESIRED |
        packet.RECURSION_AVAILABLE |
        code |
        (truncated ? packet.TRUNCATED_RESPONSE : 0),
      questions: query.questions,
      answers: truncated || code !== 0 ? [] : answers,
      authorities: answers.length > 0 ? [] : [SOA],
    });
    return { bytes, asked };
  }
}

const SOA: packet.Answer = {
  type: 'SOA',
  name: 'example',
  ttl: 60,
  data: {
    mname: 'ns.example',
    rname: 'root.example',
    serial: 1,
    refresh: 1,
    retry: 1,
    expire: 1,
    minimum: 30,
  },
};

export function a(name: string, data: string, ttl: number = 300): packet.Answer {
  return { type: 'A', name, data, ttl, class: 'IN' };
}

export function aaaa(name: string, data: string, ttl: number = 300): packet.Answer {
  return { type: 'AAAA', name, data, ttl, class: 'IN' };
}

export function cname(name: string, data: string, ttl: number = 300): packet.Answer {
  return { type: 'CNAME', name, data, ttl, class: 'IN' };
}

export interface DnsWorld {
  readonly clock: VirtualClock;
  readonly client: Host;
  readonly peer: Host;
  readonly server: DnsServerModel;
  readonly second: DnsServerModel;
}

/** A client with the DNS server 10.0.0.1; 10.0.0.3 is another one, which it does not know yet. */
export function dnsWorld(seed: number = 1): DnsWorld {
  const clock = new VirtualClock();
  const [here, there] = wire(clock, { delay: ms(1) });
  const client = new Host({ name: 'client', scheduler: clock, random: seededRandom(seed, 'client') });
  const peer = new Host({ name: 'peer', scheduler: clock, random: seededRandom(seed, 'peer') });
  client.addInterface(here, [{ address: CLIENT, prefixLength: 24 }]);
  peer.addInterface(
    there,
    [SERVER, SECOND].map((address) => ({ address, prefixLength: 24 })),
  );
  client.configuration.names.set({ servers: [SERVER] });
  const server = new DnsServerModel(peer, clock, SERVER);
  return { clock, client, peer, server, second: new DnsServerModel(peer, clock, SECOND) };
}

/** Runs the world until `promise` is settled; virtual time only. */
export async function settle<T>(
  { clock }: { readonly clock: VirtualClock },
  promise: Promise<T>,
): Promise<T> {
  let over = false;
  const done = () => {
    over = true;
  };
  promise.then(done, done);
  for (let turn = 0; turn < 10_000; turn++) {
    await new Promise((resolve) => setImmediate(resolve));
    if (over) return promise;
    if (!clock.step()) throw new Error('nothing happens any more, and the promise is not settled');
  }
  throw new Error('the promise is never settled');
}
