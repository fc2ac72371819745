import type { Host } from '../../stack/host.ts';
import type { TcpConnection } from '../../stack/tcp/connection.ts';
import { ms } from '../../stack/time.ts';

/** What a program has set on a stream, perhaps before there was a connection to set it on. */
export class Tuning {
  readonly #host: Host;
  #noDelay: boolean | undefined;
  #keepAlive: { readonly enable: boolean; readonly delay: number } | undefined;

  constructor(host: Host, noDelay: boolean | undefined) {
    this.#host = host;
    this.#noDelay = noDelay;
  }

  /** See `setNoDelay`; `connection` is where it takes effect at once. */
  noDelay(on: boolean, connection: TcpConnection | undefined): void {
    this.#noDelay = on;
    connection?.setNoDelay(on);
  }

  /** See `setKeepAlive`. */
  keepAlive(enable: boolean, delay: number, connection: TcpConnection | undefined): void {
    this.#keepAlive = { enable, delay };
    if (connection !== undefined) this.#setKeepAlive(connection, enable, delay);
  }

  /** The connection has come about. */
  apply(connection: TcpConnection): void {
    if (this.#noDelay !== undefined) connection.setNoDelay(this.#noDelay);
    if (this.#keepAlive === undefined) return;
    this.#setKeepAlive(connection, this.#keepAlive.enable, this.#keepAlive.delay);
  }

  #setKeepAlive(connection: TcpConnection, enable: boolean, delay: number): void {
    const { keepAliveIdle, keepAliveInterval, keepAliveCount } = this.#host.settings.tcp;
    const idle = delay > 0 ? ms(delay) : keepAliveIdle;
    const parameters = { idle, interval: keepAliveInterval, count: keepAliveCount };
    connection.setKeepAlive(enable ? parameters : undefined);
  }
}
