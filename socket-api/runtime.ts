import { IPV4_LOOPBACK, type IpAddress } from '../stack/wire/address.ts';

/** What the socket API needs from where it runs; everything else in it is plain JavaScript. */
export interface Runtime {
  /** What `binaryType: 'buffer'` hands out, over the same memory. */
  makeBuffer(bytes: Uint8Array<ArrayBuffer>): Uint8Array;
  /** An error that no handler took (rows 14-17). Must not throw into the caller. */
  uncaught(error: unknown): void;
  /** The addresses of a name, best first. Rejects with an error that has `code` (`ENOTFOUND`, `EAI_AGAIN`). */
  lookup(name: string): Promise<readonly IpAddress[]>;
}

/** Browsers and bare contexts: `Uint8Array` for `Buffer`, unhandled rejections for uncaught errors, no name but `localhost`. */
export const bareRuntime: Runtime = {
  makeBuffer: (bytes) => bytes,
  uncaught(error) {
    void Promise.reject(error);
  },
  async lookup(name) {
    if (name === 'localhost') return [IPV4_LOOPBACK];
    throw Object.assign(new Error(`There is no resolver here to look ${name} up`), { code: 'ENOTFOUND' });
  },
};
