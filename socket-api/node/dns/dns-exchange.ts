import type { Host } from '../../../stack/host.ts';
import { randomBelow } from '../../../stack/random.ts';
import { type Alarm, after, type Duration } from '../../../stack/time.ts';
import type { UdpSocket } from '../../../stack/udp/udp.ts';
import { type IpAddress, sameAddress } from '../../../stack/wire/address.ts';
import {
  type AddressType,
  type Answer,
  decodeAnswer,
  DNS_PORT,
  encodeQuestion,
  type Question,
} from './dns-message.ts';
import { DnsStream } from './dns-stream.ts';

/** What came of a question to one server. */
export type Reply = Answer | 'timeout' | 'unreachable';

/**
 * One question to one server: by UDP from a port and with an id that nobody can guess, and by TCP if the answer does not fit
 * [RFC 1035 4.2, RFC 5452, RFC 7766 5]. Wrong answers are as good as none.
 */
export class DnsExchange {
  readonly #host: Host;
  readonly #server: IpAddress;
  readonly #question: Question;
  readonly #done: (reply: Reply) => void;
  readonly #alarm: Alarm;
  #socket: UdpSocket | undefined;
  #stream: DnsStream | undefined;
  #over: boolean = false;

  private constructor(host: Host, server: IpAddress, question: Question, done: (reply: Reply) => void) {
    this.#host = host;
    this.#server = server;
    this.#question = question;
    this.#done = done;
    this.#alarm = host.scheduler.alarm(() => this.#finish('timeout'));
  }

  /** Asks; settles within `timeout`, never rejects. */
  static ask(
    host: Host,
    server: IpAddress,
    asked: { readonly name: string; readonly type: AddressType },
    timeout: Duration,
    mixCase: boolean,
  ): Promise<Reply> {
    const name = mixCase ? withMixedCase(asked.name, host) : asked.name;
    const question = { id: randomBelow(host.random, 65_536), name, type: asked.type };
    return new Promise((resolve) => {
      new DnsExchange(host, server, question, resolve).#start(timeout);
    });
  }

  #start(timeout: Duration): void {
    const { udp, scheduler } = this.#host;
    this.#alarm.set(after(scheduler.now(), timeout));
    this.#socket = udp.bind(undefined, 0, {
      datagramArrived: (data, from) => {
        if (from.port === DNS_PORT && sameAddress(from.address, this.#server)) this.#arrived(data);
      },
      errorArrived: (_kind, to) => {
        if (sameAddress(to.address, this.#server)) this.#finish('unreachable');
      },
    });
    const on = this.#host.configuration.names.linkOf(this.#server);
    const sent = this.#socket?.send(encodeQuestion(this.#question), this.#server, DNS_PORT, { on });
    if (sent !== true) this.#finish('unreachable');
  }

  #arrived(data: Uint8Array): void {
    const answer = decodeAnswer(data, this.#question);
    if (answer === undefined || this.#stream !== undefined) return; // somebody guesses: go on waiting
    if (!answer.truncated) return this.#finish(answer);
    this.#stream = new DnsStream(this.#host, this.#server, encodeQuestion(this.#question), (message) => {
      const whole = message === undefined ? undefined : decodeAnswer(message, this.#question);
      this.#finish(whole === undefined || whole.truncated ? 'unreachable' : whole);
    });
    this.#stream.start();
  }

  #finish(reply: Reply): void {
    if (this.#over) return;
    this.#over = true;
    this.#alarm.clear();
    this.#socket?.close();
    this.#stream?.stop();
    this.#done(reply);
  }
}

/** One more bit for each letter that who forges an answer has to guess (draft-vixie-dnsext-dns0x20). */
function withMixedCase(name: string, host: Host): string {
  let mixed = '';
  for (const letter of name) {
    mixed += (host.random.u32() & 1) === 0 ? letter.toLowerCase() : letter.toUpperCase();
  }
  return mixed;
}
