import { closeSync, openSync, writeSync } from 'node:fs';
import { CaptureSink } from '../capture-sink.ts';
import { type PcapngOptions, PcapngWriter } from '../pcapng.ts';

const BUFFER = 1024 * 1024;

/** A pcapng file that is written as a capture goes on. */
export interface PcapngFile {
  readonly writer: PcapngWriter;
  readonly sink: CaptureSink;
  /** Writes what was gathered, so that the file can be read while it grows. */
  flush(): void;
  /** Writes the rest and closes the file; twice is fine. */
  close(): void;
}

/**
 * Opens `path` for a capture, replacing what was there. Writes are synchronous and of a megabyte each, so that nothing is
 * lost when the process ends by an exception, and memory stays bounded.
 */
export function openPcapngFile(path: string, options: PcapngOptions = {}): PcapngFile {
  const file = openSync(path, 'w');
  const buffer = new Uint8Array(BUFFER);
  let used = 0;
  let open = true;
  const empty = (): void => {
    writeAll(file, buffer, used);
    used = 0;
  };
  const writer = new PcapngWriter((bytes) => {
    if (used + bytes.length > BUFFER) empty();
    if (bytes.length > BUFFER) return writeAll(file, bytes, bytes.length);
    buffer.set(bytes, used);
    used += bytes.length;
  }, options);
  const flush = (): void => {
    if (!open) return;
    writer.flush();
    empty();
  };
  return {
    writer,
    sink: new CaptureSink(writer),
    flush,
    close: () => {
      flush();
      if (open) closeSync(file);
      open = false;
    },
  };
}

function writeAll(file: number, bytes: Uint8Array, length: number): void {
  for (let at = 0; at < length; ) at += writeSync(file, bytes, at, length - at);
}
