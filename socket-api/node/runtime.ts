import { lookup } from 'node:dns/promises';
import { type IpAddress, parseAddress } from '../../stack/wire/address.ts';
import type { Runtime } from '../runtime.ts';

/** Node's: `Buffer`, `uncaughtException`, and names through the system's resolver (so `localhost` as well). */
export const nodeRuntime: Runtime = {
  makeBuffer: (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
  uncaught(error) {
    // Out of the drain's call stack, so that the host's work goes on if the program survives the exception.
    process.nextTick(() => {
      throw error;
    });
  },
  async lookup(name) {
    const found = await lookup(name, { all: true, verbatim: true });
    const addresses: IpAddress[] = [];
    for (const { address } of found) {
      const parsed = parseAddress(address);
      if (parsed !== undefined) addresses.push(parsed);
    }
    return addresses;
  },
};
