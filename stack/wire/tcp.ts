/**
 * The TCP header, RFC 9293 3.1.
 */
import { checksum, fold, pseudoHeaderSum } from '../bytes/checksum.ts';
import type { PacketBuffer } from '../bytes/packet-buffer.ts';
import type { DropReason } from '../drop-reasons.ts';
import { type SeqNumber, seq } from '../tcp/sequence.ts';
import type { IpAddress } from './address.ts';
import { PROTOCOL_TCP } from './ipv4.ts';
import * as tcpOptions from './tcp-options.ts';
import type { OptionLayout, TcpOptions } from './tcp-options.ts';

/** The header's length without options, in bytes. */
export const TCP_HEADER_LENGTH = 20;

/** A TCP header: what it says, not its bits. */
export interface TcpHeader {
  /** 0..65535 */
  readonly sourcePort: number;
  /** 0..65535 */
  readonly destinationPort: number;
  readonly seq: SeqNumber;
  /** undefined: the ACK flag is not set. */
  readonly ack: SeqNumber | undefined;
  readonly syn: boolean;
  readonly fin: boolean;
  readonly rst: boolean;
  readonly psh: boolean;
  /** Bytes from `seq` on, 0..65535. undefined: the URG flag is not set. */
  readonly urgentPointer: number | undefined;
  /** ECN-Echo. RFC 3168 6.1. */
  readonly ece: boolean;
  /** Congestion window reduced. RFC 3168 6.1. */
  readonly cwr: boolean;
  /** Accurate ECN, once the nonce sum. RFC 9768. */
  readonly ae: boolean;
  /** As on the wire, unscaled: 0..65535. */
  readonly window: number;
  readonly options: TcpOptions;
}

/** What a header says that says nothing: no ACK, no flags, no window, no options. */
export const BARE_HEADER: Omit<TcpHeader, 'sourcePort' | 'destinationPort' | 'seq'> = Object.freeze({
  ack: undefined,
  syn: false,
  fin: false,
  rst: false,
  psh: false,
  urgentPointer: undefined,
  ece: false,
  cwr: false,
  ae: false,
  window: 0,
  options: tcpOptions.NO_OPTIONS,
});

const FIN = 0x001;
const SYN = 0x002;
const RST = 0x004;
const PSH = 0x008;
const ACK = 0x010;
const URG = 0x020;
const ECE = 0x040;
const CWR = 0x080;
const AE = 0x100;

/**
 * Reads the header at the packet's head, whose tail is the segment's end; the packet stays as it is. The checksum is
 * `verifyChecksum`'s affair. The three reserved bits are ignored (RFC 9293 3.1).
 */
export function parse(packet: PacketBuffer): TcpHeader | DropReason {
  const { view, head } = packet;
  const available = packet.tail - head;
  if (available < TCP_HEADER_LENGTH) return 'PKT_TOO_SMALL';
  const offsetAndFlags = view.getUint16(head + 12);
  const length = (offsetAndFlags >>> 12) * 4;
  if (length < TCP_HEADER_LENGTH || length > available) return 'PKT_TOO_SMALL';
  const options = tcpOptions.parse(view, head + TCP_HEADER_LENGTH, head + length);
  if (typeof options === 'string') return options;
  return {
    sourcePort: view.getUint16(head),
    destinationPort: view.getUint16(head + 2),
    seq: seq(view.getUint32(head + 4)),
    ack: (offsetAndFlags & ACK) === 0 ? undefined : seq(view.getUint32(head + 8)),
    syn: (offsetAndFlags & SYN) !== 0,
    fin: (offsetAndFlags & FIN) !== 0,
    rst: (offsetAndFlags & RST) !== 0,
    psh: (offsetAndFlags & PSH) !== 0,
    urgentPointer: (offsetAndFlags & URG) === 0 ? undefined : view.getUint16(head + 18),
    ece: (offsetAndFlags & ECE) !== 0,
    cwr: (offsetAndFlags & CWR) !== 0,
    ae: (offsetAndFlags & AE) !== 0,
    window: view.getUint16(head + 14),
    options,
  };
}

/** The header's length in bytes by its data offset: 20..60 for a packet that `parse` accepted. */
export function headerLength(packet: PacketBuffer): number {
  return (packet.view.getUint8(packet.head + 12) >>> 4) * 4;
}

/**
 * Whether the checksum of the segment between head and tail is right (RFC 9293 3.1, MUST-3). True without looking if the
 * packet says that it was verified, or never needed one.
 */
export function verifyChecksum(packet: PacketBuffer, source: IpAddress, destination: IpAddress): boolean {
  if (packet.checksum !== 'complete') return true;
  const { head, tail } = packet;
  const pseudo = pseudoHeaderSum(source, destination, PROTOCOL_TCP, tail - head);
  return checksum(packet.bytes, head, tail, pseudo) === 0;
}

/**
 * Puts the header in front of the packet, whose contents are the payload. If the packet's checksum is `partial`, only the
 * folded sum over the pseudo-header is written, as `VIRTIO_NET_HDR_F_NEEDS_CSUM` wants it; else the checksum.
 */
export function emit(
  header: TcpHeader,
  packet: PacketBuffer,
  source: IpAddress,
  destination: IpAddress,
  layout: OptionLayout = 'standard',
): void {
  const length = emittedLength(header, layout);
  const at = packet.push(length);
  const { view, tail } = packet;
  view.setUint16(at, header.sourcePort);
  view.setUint16(at + 2, header.destinationPort);
  view.setUint32(at + 4, header.seq);
  view.setUint32(at + 8, header.ack ?? 0);
  view.setUint16(at + 12, (length << 10) | flagBits(header));
  view.setUint16(at + 14, header.window);
  view.setUint16(at + 16, 0);
  view.setUint16(at + 18, header.urgentPointer ?? 0);
  tcpOptions.emit(header.options, view, at + TCP_HEADER_LENGTH, layout);
  const pseudo = pseudoHeaderSum(source, destination, PROTOCOL_TCP, tail - at);
  view.setUint16(
    at + 16,
    packet.checksum === 'partial' ? fold(pseudo) : checksum(packet.bytes, at, tail, pseudo),
  );
}

/** How many bytes `emit` will put in front of the payload: 20..60, a multiple of 4. */
export function emittedLength(header: TcpHeader, layout: OptionLayout = 'standard'): number {
  return TCP_HEADER_LENGTH + tcpOptions.emittedLength(header.options, layout);
}

function flagBits(header: TcpHeader): number {
  return (
    (header.fin ? FIN : 0) |
    (header.syn ? SYN : 0) |
    (header.rst ? RST : 0) |
    (header.psh ? PSH : 0) |
    (header.ack === undefined ? 0 : ACK) |
    (header.urgentPointer === undefined ? 0 : URG) |
    (header.ece ? ECE : 0) |
    (header.cwr ? CWR : 0) |
    (header.ae ? AE : 0)
  );
}
