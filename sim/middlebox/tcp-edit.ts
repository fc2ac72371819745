import { type TransportLayout, transportOf } from '../../device/segmentation.ts';
import { update } from '../../stack/bytes/checksum.ts';
import { PacketBuffer } from '../../stack/bytes/packet-buffer.ts';
import { PROTOCOL_TCP, PROTOCOL_UDP } from '../../stack/wire/ipv4.ts';

/**
 * Changes to a packet on its way, with the checksums brought along [RFC 1624]: a checksum that was wrong stays wrong, as behind a real
 * middlebox.
 */
export class TransportEdit {
  readonly layout: TransportLayout;
  readonly #packet: PacketBuffer;

  private constructor(packet: PacketBuffer, layout: TransportLayout) {
    this.#packet = packet;
    this.layout = layout;
  }

  /** Undefined if the packet is neither TCP nor UDP. */
  static of(packet: PacketBuffer, medium: 'ip' | 'ethernet'): TransportEdit | undefined {
    const layout = transportOf(packet, medium);
    return layout === undefined ? undefined : new TransportEdit(packet, layout);
  }

  get isTcp(): boolean {
    return this.layout.protocol === PROTOCOL_TCP;
  }

  /** The 16 bits at `at`. */
  get16(at: number): number {
    return this.#packet.view.getUint16(at);
  }

  get32(at: number): number {
    return this.#packet.view.getUint32(at);
  }

  /** FIN 1, SYN 2, RST 4, ACK 16 …; 0 if it is no TCP. */
  get flags(): number {
    return this.isTcp ? this.#packet.view.getUint8(this.layout.transport + 13) : 0;
  }

  /** Source and destination port. */
  get ports(): readonly [number, number] {
    const { transport } = this.layout;
    return [this.get16(transport), this.get16(transport + 2)];
  }

  /** Sets the 16 bits at an even distance from the transport header's beginning. */
  set16(at: number, value: number): void {
    this.#setUnderChecksum(at, value);
  }

  /** Sets a single byte of the transport header. */
  set8(at: number, value: number): void {
    const even = at - ((at - this.layout.transport) & 1);
    const word = this.get16(even);
    this.#setUnderChecksum(even, even === at ? (value << 8) | (word & 0xff) : (word & 0xff00) | value);
  }

  /** Sets an IPv4 source or destination address. */
  setIPv4(which: 'source' | 'destination', address: number): void {
    const { view } = this.#packet;
    const { ip } = this.layout;
    const at = ip + (which === 'source' ? 12 : 16);
    for (const [offset, word] of [
      [0, address >>> 16],
      [2, address & 0xffff],
    ] as const) {
      view.setUint16(ip + 10, update(view.getUint16(ip + 10), view.getUint16(at + offset), word));
      this.#setUnderChecksum(at + offset, word); // the pseudo-header's
    }
  }

  /** The options of a TCP header, as `[kind, at, length]`; those after a malformed one are not found. */
  options(): readonly (readonly [kind: number, at: number, length: number])[] {
    if (!this.isTcp) return [];
    const { view } = this.#packet;
    const found: (readonly [number, number, number])[] = [];
    let at = this.layout.transport + 20;
    while (at < this.layout.payload) {
      const kind = view.getUint8(at);
      if (kind === 0) break;
      const length = kind === 1 ? 1 : at + 1 < this.layout.payload ? view.getUint8(at + 1) : 0;
      if (length < 1 || (kind !== 1 && length < 2) || at + length > this.layout.payload) break;
      if (kind !== 1) found.push([kind, at, length]);
      at += length;
    }
    return found;
  }

  #setUnderChecksum(at: number, value: number): void {
    const { view } = this.#packet;
    const { transport, protocol } = this.layout;
    const before = view.getUint16(at);
    if (before === value) return;
    view.setUint16(at, value);
    const field = transport + (protocol === PROTOCOL_TCP ? 16 : 6);
    const sum = view.getUint16(field);
    if (protocol === PROTOCOL_UDP && sum === 0) return; // has none [RFC 768]
    view.setUint16(field, update(sum, before, value));
  }
}
