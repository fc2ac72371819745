import type { PacketBuffer } from '../../stack/bytes/packet-buffer.ts';
import { isGroupMac, type MacAddress, readMac } from '../../stack/wire/mac.ts';
import type { LinkEnd } from '../link/link.ts';

/** A learning Ethernet switch: store and forward, no time of its own; queues are those of its links. */
export class Switch {
  readonly kind: 'switch' = 'switch' as const;
  readonly name: string;
  readonly ends: LinkEnd[] = [];
  readonly #learned: Map<MacAddress, LinkEnd> = new Map();

  constructor(name: string) {
    this.name = name;
  }

  plugIn(end: LinkEnd): void {
    if (end.medium !== 'ethernet') throw new Error(`switch ${this.name} needs links with medium: 'ethernet'`);
    this.ends.push(end);
    end.attach({
      framesArrived: (frames) => frames.forEach((frame) => this.#forward(frame, end)),
      deviceClosed: () => undefined,
    });
  }

  #forward(frame: PacketBuffer, from: LinkEnd): void {
    if (frame.length < 14) return;
    const destination = readMac(frame.view, frame.head);
    this.#learned.set(readMac(frame.view, frame.head + 6), from);
    const known = isGroupMac(destination) ? undefined : this.#learned.get(destination);
    if (known !== undefined) {
      if (known !== from) known.transmit([frame]);
      return;
    }
    for (const end of this.ends) if (end !== from) end.transmit([frame]);
  }
}
