import type { TcpConnection } from '../stack/tcp/connection.ts';
import { type Gap, monotonic, type RtoHistory } from './gaps.ts';

/** Milliseconds between two looks. */
const EVERY = 10;
/** A look that comes so much later than it should tells that the process did not run. */
const LATE = 40;

/** Looks at a connection's RTO every now and then, and notices when the machine does not let this process run. */
export class Watch {
  readonly pauses: Gap[] = [];
  readonly #rto: [at: number, rto: number][] = [];
  readonly #timer: NodeJS.Timeout;
  #connection: TcpConnection | undefined;
  #last: number = monotonic();

  constructor() {
    this.#timer = setInterval(() => this.#look(), EVERY);
  }

  /** Our sender's. */
  get rto(): RtoHistory {
    return this.#rto;
  }

  /** Looks at this one's RTO from now on. */
  follow(connection: TcpConnection): void {
    this.#connection = connection;
    this.#look();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const at = monotonic();
    if (at - this.#last > EVERY + LATE) this.pauses.push([this.#last, at]);
    this.#last = at;
    if (this.#connection === undefined) return;
    const rto = this.#connection.rtt.rto / 1_000;
    if (this.#rto.at(-1)?.[1] !== rto) this.#rto.push([at, rto]);
  }
}
