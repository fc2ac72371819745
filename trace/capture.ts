import { PacketBuffer } from '../stack/bytes/packet-buffer.ts';
import type { FrameEvent, TraceEvent } from '../stack/trace.ts';
import { HostComments } from './capture-comments.ts';
import { CaptureSink } from './capture-sink.ts';
import { PcapngWriter } from './pcapng.ts';

/** Settings of a capture. */
export interface CaptureOptions {
  /** Whether packets get comments (`true` by default). Without them, frames are neither held nor copied: for bulk. */
  readonly comments?: boolean;
  /**
   * Only what this host saw. Without it, a trace of two hosts gives each packet twice, once an interface, which Wireshark
   * takes for retransmissions unless it is filtered by `frame.interface_name`.
   */
  readonly host?: string;
}

/** A tracer that writes a capture. */
export interface CaptureTracer {
  (event: TraceEvent): void;
  /** Writes the frames that wait for their comments, and hands everything to the file. */
  flush(): void;
}

/** A frame that waits for more comments, or for one before it that does. */
interface Waiting {
  readonly event: FrameEvent;
  readonly packet: PacketBuffer;
  readonly comments: readonly string[];
  open: boolean;
}

/** Writes what the wires of the traced hosts show; several hosts may share one. */
export function captureTrace(
  file: CaptureSink | PcapngWriter | ((bytes: Uint8Array) => void),
  options: CaptureOptions = {},
): CaptureTracer {
  const capture = new Capture(sinkOf(file), options);
  return Object.assign((event: TraceEvent) => capture.event(event), { flush: () => capture.flush() });
}

function sinkOf(file: CaptureSink | PcapngWriter | ((bytes: Uint8Array) => void)): CaptureSink {
  if (file instanceof CaptureSink) return file;
  return new CaptureSink(file instanceof PcapngWriter ? file : new PcapngWriter(file));
}

class Capture {
  readonly #sink: CaptureSink;
  readonly #comments: boolean;
  readonly #only: string | undefined;
  readonly #hosts: Map<string, HostComments> = new Map();
  /** By host: the last frame that came in, as long as events may still be about it. */
  readonly #held: Map<string, Waiting> = new Map();
  /** In the order in which they came, the oldest of them open. */
  #waiting: Waiting[] = [];
  #view: DataView = new DataView(new ArrayBuffer(0));
  #viewed: Uint8Array | undefined;

  constructor(sink: CaptureSink, options: CaptureOptions) {
    this.#sink = sink;
    this.#comments = options.comments ?? true;
    this.#only = options.host;
  }

  event(event: TraceEvent): void {
    if (this.#only !== undefined && event.host !== this.#only) return;
    if (!this.#comments) {
      if (event.type === 'frame') this.#write(event, this.#packetOf(event), []);
      return;
    }
    const host = this.#host(event.host);
    const held = this.#held.get(event.host);
    // All that a frame does to a host happens at one instant of its clock.
    const nextFrame = event.type === 'frame' && event.direction === 'in';
    if (held !== undefined && (nextFrame || held.event.at !== event.at)) this.#release(event.host);
    host.timeIs(event.at);
    switch (event.type) {
      case 'frame':
        return this.#frame(event, host);
      case 'drop':
        return host.drop(event);
      case 'state':
        return host.state(event);
      case 'timer':
        return host.timer(event);
      case 'segment':
        return host.segment(event);
      default:
        return;
    }
  }

  flush(): void {
    for (const host of [...this.#held.keys()]) this.#release(host);
    this.#sink.flush();
  }

  #host(name: string): HostComments {
    let host = this.#hosts.get(name);
    if (host === undefined) this.#hosts.set(name, (host = new HostComments()));
    return host;
  }

  #frame(event: FrameEvent, host: HostComments): void {
    const packet = this.#packetOf(event);
    if (event.direction === 'out') {
      const comments = host.outgoing(event, packet);
      if (this.#waiting.length === 0) return this.#write(event, packet, comments);
      this.#waiting.push({ event, packet: copyOf(packet), comments, open: false });
      return;
    }
    const comments: string[] = [];
    const held = { event, packet: copyOf(packet), comments, open: true };
    host.incoming = comments;
    this.#held.set(event.host, held);
    this.#waiting.push(held);
  }

  /** No event will be about the frame that this host holds. Writes what waits for nothing any more. */
  #release(hostName: string): void {
    const held = this.#held.get(hostName);
    if (held === undefined) return;
    held.open = false;
    this.#held.delete(hostName);
    this.#host(hostName).incoming = undefined;
    const firstOpen = this.#waiting.findIndex((waiting) => waiting.open);
    const count = firstOpen < 0 ? this.#waiting.length : firstOpen;
    for (const ready of this.#waiting.splice(0, count))
      this.#write(ready.event, ready.packet, ready.comments);
  }

  #write(event: FrameEvent, packet: PacketBuffer, comments: readonly string[]): void {
    const name = `${event.host}/${event.device}`;
    this.#sink.frame(event.at, event.direction, packet, event.medium, name, comments);
  }

  /** The frame as a packet; frames of one memory (an arena's) share a view. */
  #packetOf(event: FrameEvent): PacketBuffer {
    const { bytes } = event;
    if (this.#viewed !== bytes) {
      this.#viewed = bytes;
      this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    }
    const packet = new PacketBuffer(bytes, this.#view, event.head, event.tail);
    packet.checksum = event.partialChecksum ? 'partial' : 'complete';
    packet.segmentSize = event.segmentSize;
    return packet;
  }
}

function copyOf(packet: PacketBuffer): PacketBuffer {
  const copy = PacketBuffer.copyOf(packet.contents());
  copy.checksum = packet.checksum;
  copy.segmentSize = packet.segmentSize;
  return copy;
}
