import { type IpAddress, parseAddress } from '../../../stack/wire/address.ts';

/** Names with addresses that were set by hand, as in /etc/hosts: asked before any server. */
export class HostTable {
  readonly #names: Map<string, readonly IpAddress[]> = new Map();

  /**
   * `{ printer: '10.0.0.9', db: ['10.0.0.3', 'fd00::3'] }`, or the text of a hosts file.
   * @throws TypeError if an address makes no sense
   */
  constructor(given: Readonly<Record<string, string | readonly string[]>> | string = {}) {
    if (typeof given === 'string') this.#readText(given);
    else
      for (const [name, list] of Object.entries(given))
        this.#add(name, typeof list === 'string' ? [list] : list);
  }

  get size(): number {
    return this.#names.size;
  }

  find(name: string): readonly IpAddress[] | undefined {
    return this.#names.get(keyOf(name));
  }

  /** Lines that are malformed are passed over, as the C library does. */
  #readText(text: string): void {
    for (const line of text.split('\n')) {
      const [address = '', ...names] = (line.split('#')[0] ?? '').trim().split(/\s+/);
      const parsed = parseAddress(address);
      if (parsed === undefined) continue;
      for (const name of names) this.#names.set(keyOf(name), [...(this.find(name) ?? []), parsed]);
    }
  }

  #add(name: string, addresses: readonly string[]): void {
    const parsed = addresses.map((text) => {
      const address = parseAddress(text);
      if (address === undefined) throw new TypeError(`'${text}' is no address for ${name}`);
      return address;
    });
    this.#names.set(keyOf(name), parsed);
  }
}

function keyOf(name: string): string {
  return name.toLowerCase().replace(/\.$/, '');
}
