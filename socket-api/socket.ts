import type { Endpoint } from '../stack/tcp/events.ts';
import { ms, seconds } from '../stack/time.ts';
import { formatAddress, isIPv4 } from '../stack/wire/address.ts';
import type { SocketCore } from './core.ts';
import { invalidArgument, outOfRange } from './errors.ts';
import { reloadHandlers } from './options.ts';
import type { TLSUpgradeOptions } from './tls-types.ts';
import type { ByteSource, Socket, SocketListener, SocketOptions, TcpInfo } from './types.ts';

/** Probes of Bun's keep-alive: one a second, ten in all (row 65). */
const KEEP_ALIVE_INTERVAL = seconds(1);
const KEEP_ALIVE_COUNT = 10;

/**
 * The socket that the user holds: plain TCP. A face only; what it does is in `SocketCore`, what its members mean in the
 * interface `Socket`.
 */
export class TcpSocket<Data> implements Socket<Data> {
  data: Data;
  readonly #core: SocketCore;
  /** Milliseconds; undefined: the host's setting. */
  #keepAliveDelay: number | undefined;
  #typeOfService: number = 0;

  constructor(core: SocketCore) {
    this.#core = core;
    this.data = core.settings.data as Data;
  }

  get [Symbol.toStringTag](): string {
    return 'TCPSocket';
  }

  // -- writing and ending --------------------------------------------------------------------------------------------------

  write(data: string | ByteSource, byteOffset?: number, byteLength?: number): number {
    return this.#core.write(data, byteOffset, byteLength);
  }

  end(data?: string | ByteSource, byteOffset?: number, byteLength?: number): number {
    return this.#core.end(data, byteOffset, byteLength);
  }

  flush(): void {
    if (this.#core.isOpen) this.#core.connection?.flush();
  }

  shutdown(halfClose?: boolean): void {
    this.#core.shutdown(halfClose === true);
  }

  close(): void {
    this.#core.close();
  }

  terminate(): void {
    this.#core.terminate();
  }

  [Symbol.dispose](): void {
    this.#core.end();
  }

  // -- reading, time, process ----------------------------------------------------------------------------------------------

  pause(): void {
    this.#core.pause();
  }

  resume(): void {
    this.#core.resume();
  }

  timeout(length: number): void {
    const given = Number(length);
    if (given < 0) throw new Error('Timeout must be a positive integer'); // row 64
    this.#core.timeout(Number.isNaN(given) ? 0 : given);
  }

  ref(): void {
    this.#core.ref();
  }

  unref(): void {
    this.#core.unref();
  }

  reload(options: Pick<SocketOptions<Data>, 'socket'>): void {
    if (!this.#core.isOpen) return; // row 68
    this.#core.settings.handlers.current = reloadHandlers(options);
  }

  // -- options of the connection -------------------------------------------------------------------------------------------

  setNoDelay(noDelay?: boolean): boolean {
    if (!this.#core.isOpen) return false;
    this.#core.connection?.setNoDelay(noDelay !== false);
    return true;
  }

  setKeepAlive(enable?: boolean, initialDelay?: number): boolean {
    const delay = initialDelay ?? 0;
    if (typeof delay !== 'number') {
      throw invalidArgument('The "initialDelay" argument must be of type number');
    }
    if (!(delay >= 0)) throw outOfRange('initialDelay', 0, undefined, delay); // row 66
    if (!this.#core.isOpen) return false;
    if (delay > 0) this.#keepAliveDelay = delay;
    const { connection, settings } = this.#core;
    const idle =
      this.#keepAliveDelay === undefined
        ? settings.host.settings.tcp.keepAliveIdle
        : ms(this.#keepAliveDelay);
    const parameters = { idle, interval: KEEP_ALIVE_INTERVAL, count: KEEP_ALIVE_COUNT };
    connection?.setKeepAlive(enable === true ? parameters : undefined);
    return true;
  }

  getTypeOfService(): number {
    return this.#typeOfService;
  }

  setTypeOfService(value: number): number {
    if (!(Number.isInteger(value) && value >= 0 && value <= 255)) throw outOfRange('tos', 0, 255, value);
    if (this.#core.isOpen) {
      this.#typeOfService = value;
      this.#core.connection?.setTypeOfService(value);
    }
    return this.#typeOfService;
  }

  // -- facts ---------------------------------------------------------------------------------------------------------------

  get readyState(): -2 | -1 | 0 | 1 | 2 {
    return this.#core.readyState;
  }

  get bytesWritten(): number {
    return this.#core.bytesWritten;
  }

  get fd(): number {
    return -1;
  }

  // The types follow Bun's, which have a listener always; accepted sockets lose theirs when it is closed (row 55).
  get listener(): SocketListener {
    return this.#core.acceptor?.publicListener as SocketListener;
  }

  get localAddress(): string {
    return this.#addressText(this.#core.connection?.local) as string;
  }

  get localPort(): number {
    return this.#core.connection?.local.port as number;
  }

  get localFamily(): 'IPv4' | 'IPv6' {
    return this.#familyOf(this.#core.connection?.local) as 'IPv4' | 'IPv6';
  }

  get remoteAddress(): string {
    return this.#addressText(this.#core.connection?.remote) as string;
  }

  get remotePort(): number {
    return this.#core.connection?.remote.port as number;
  }

  get remoteFamily(): 'IPv4' | 'IPv6' {
    return this.#familyOf(this.#core.connection?.remote) as 'IPv4' | 'IPv6';
  }

  info(): TcpInfo | undefined {
    return this.#core.connection?.tcpInfo();
  }

  // -- TLS: what plain TCP has to say (rows 85, 87) ------------------------------------------------------------------------

  get authorized(): boolean {
    return false;
  }

  get alpnProtocol(): string | false | null {
    return null;
  }

  getAuthorizationError(): Error | null {
    return null;
  }

  getPeerCertificate(): never {
    return null as never;
  }

  getEphemeralKeyInfo(): null {
    return null;
  }

  getTLSVersion(): never {
    return null as never;
  }

  isSessionReused(): boolean {
    return false;
  }

  setMaxSendFragment(_size: number): boolean {
    return false;
  }

  getCertificate(): never {
    return undefined as never;
  }

  getX509Certificate(): undefined {}

  getPeerX509Certificate(): never {
    return undefined as never;
  }

  getCipher(): never {
    return undefined as never;
  }

  getSharedSigalgs(): never {
    return undefined as never;
  }

  getTLSFinishedMessage(): undefined {}

  getTLSPeerFinishedMessage(): undefined {}

  getTLSTicket(): undefined {}

  getServername(): never {
    return undefined as never;
  }

  setServername(_name: string): void {}

  getSession(): void {}

  setSession(_session: string | ByteSource): void {}

  exportKeyingMaterial(_length: number, _label: string, _context?: string | ByteSource): never {
    return undefined as never;
  }

  renegotiate(): void {}

  disableRenegotiation(): void {}

  setVerifyMode(_requestCert: boolean, _rejectUnauthorized: boolean): void {}

  upgradeTLS<Upgraded>(
    _options: TLSUpgradeOptions<Upgraded>,
  ): [raw: Socket<Upgraded>, tls: Socket<Upgraded>] {
    if (!this.#core.isOpen) throw new TypeError('upgradeTLS requires an established socket'); // row 68
    throw new Error('TLS is not implemented yet (see README)');
  }

  #addressText(end: Endpoint | undefined): string | undefined {
    if (end === undefined) return undefined;
    const text = formatAddress(end.address);
    return this.#core.settings.mapped && isIPv4(end.address) ? `::ffff:${text}` : text;
  }

  #familyOf(end: Endpoint | undefined): 'IPv4' | 'IPv6' | undefined {
    if (end === undefined) return undefined;
    return isIPv4(end.address) && !this.#core.settings.mapped ? 'IPv4' : 'IPv6';
  }
}
