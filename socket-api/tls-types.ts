/**
 * The TLS side of the API's types: the members that every socket carries, and the options. Types only: `node:tls` and
 * `node:crypto` name what the members hand out (as Bun's own types do), nothing is imported at run time.
 */

import type { ByteSource, SocketHandler } from './types.ts';

type X509Certificate = import('node:crypto').X509Certificate;
type CipherNameAndProtocol = import('node:tls').CipherNameAndProtocol;
type EphemeralKeyInfo = import('node:tls').EphemeralKeyInfo;
type PeerCertificate = import('node:tls').PeerCertificate;

/** What can hold a certificate or a key: text, bytes, or a lazy file. */
export type CertificateSource = string | ByteSource | { arrayBuffer(): Promise<ArrayBuffer> };

/** TLS settings of a listener or a client. Not acted upon yet: giving them throws. */
export interface TLSOptions {
  /** Private key, PEM or DER. */
  key?: CertificateSource | CertificateSource[] | undefined;
  /** Certificate chain, PEM or DER. */
  cert?: CertificateSource | CertificateSource[] | undefined;
  /** Certificate authorities to trust. */
  ca?: CertificateSource | CertificateSource[] | undefined;
  /** Passphrase of the key. */
  passphrase?: string;
  /** Name for SNI and for the check of the certificate. */
  serverName?: string;
  /** Default true. */
  rejectUnauthorized?: boolean;
  /** Default false. */
  requestCert?: boolean;
  /** Protocols in wire format: each name with its length in front. */
  ALPNProtocols?: string | ByteSource;
  /** OpenSSL cipher list. */
  ciphers?: string;
}

/** Options of `upgradeTLS`. */
export interface TLSUpgradeOptions<Data> {
  data?: Data;
  tls: TLSOptions | boolean;
  socket: SocketHandler<Data>;
}

/**
 * Members about TLS, present on every socket. On plain TCP none throws (row 87): `authorized` is false,
 * `getAuthorizationError`, `getPeerCertificate`, `getEphemeralKeyInfo` and `getTLSVersion` give null, `isSessionReused` and
 * `setMaxSendFragment` false, `alpnProtocol` is null (row 85), and the others give undefined.
 */
export interface TlsMembers {
  /** Whether the peer's certificate was signed by a trusted authority. */
  readonly authorized: boolean;
  /** The protocol agreed on by ALPN; false: none; null: before the handshake, and on plain TCP. */
  readonly alpnProtocol: string | false | null;
  /** Refuses renegotiation from now on. */
  disableRenegotiation(): void;
  /** Keying material of the session [RFC 5705]: `length` bytes. */
  exportKeyingMaterial(length: number, label: string, context: Buffer): Buffer;
  exportKeyingMaterial(length: number, label: string, context?: string | ByteSource): void;
  /** Why the peer's certificate is not trusted; null if it is, or on plain TCP. */
  getAuthorizationError(): Error | null;
  /** Our certificate. */
  getCertificate(): PeerCertificate | object | null;
  getX509Certificate(): X509Certificate | undefined;
  /** The cipher suite. */
  getCipher(): CipherNameAndProtocol;
  /** The ephemeral key exchange; null on servers and on plain TCP. */
  getEphemeralKeyInfo(): EphemeralKeyInfo | object | null;
  /** The peer's certificate; null on plain TCP. */
  getPeerCertificate(): PeerCertificate;
  getPeerX509Certificate(): X509Certificate;
  /** Signature algorithms that both sides have. */
  getSharedSigalgs(): string[];
  getTLSFinishedMessage(): Buffer | undefined;
  getTLSPeerFinishedMessage(): Buffer | undefined;
  getTLSTicket(): Buffer | undefined;
  /** `'TLSv1.3'` and its like; null on plain TCP. */
  getTLSVersion(): string;
  /** Whether an earlier session was resumed. */
  isSessionReused(): boolean;
  /** Largest TLS record to send, up to 16384 bytes; false if it could not be set. */
  setMaxSendFragment(size: number): boolean;
  renegotiate(): void;
  setVerifyMode(requestCert: boolean, rejectUnauthorized: boolean): void;
  getSession(): void;
  setSession(session: string | Buffer | ByteSource): void;
  getServername(): string;
  setServername(name: string): void;
}
