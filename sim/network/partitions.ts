import { type IpAddress, sameAddress } from '../../stack/wire/address.ts';
import type { PacketView } from '../link/packet-view.ts';
import type { WorldHost } from './host.ts';

interface Partition {
  readonly from: readonly WorldHost[];
  readonly to: readonly WorldHost[];
}

/** Hosts that cannot reach each other now, whatever lies between them. */
export class Partitions {
  readonly #present: Set<Partition> = new Set();

  /** `partition a ↔ b c` */
  static describe(from: readonly WorldHost[], to: readonly WorldHost[], oneWay: boolean): string {
    const names = (hosts: readonly WorldHost[]): string => hosts.map((host) => host.name).join(' ');
    return `partition ${names(from)} ${oneWay ? '→' : '↔'} ${names(to)}`;
  }

  /** Parts them; returns what ends it. */
  begin(from: readonly WorldHost[], to: readonly WorldHost[], oneWay: boolean): () => void {
    const begun: Partition[] = [{ from, to }];
    if (!oneWay) begun.push({ from: to, to: from });
    for (const each of begun) this.#present.add(each);
    return () => begun.forEach((each) => this.#present.delete(each));
  }

  /** Ends all of them. */
  end(): void {
    this.#present.clear();
  }

  /** Why this packet may not pass. */
  barrier(view: PacketView): 'LINK_PARTITION' | undefined {
    if (this.#present.size === 0) return undefined;
    const { source, destination } = view;
    if (source === undefined || destination === undefined) return undefined;
    for (const { from, to } of this.#present)
      if (owns(from, source) && owns(to, destination)) return 'LINK_PARTITION';
    return undefined;
  }
}

function owns(hosts: readonly WorldHost[], address: IpAddress): boolean {
  return hosts.some((host) => host.addresses.some((own) => sameAddress(own, address)));
}
