import { mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Tracer } from '../stack/trace.ts';
import { captureTrace } from '../trace/capture.ts';
import { openPcapngFile } from '../trace/node/pcapng-file.ts';
import { CliError } from './failure.ts';
import { packageFolder } from './package.ts';
import { atEnd } from './teardown.ts';

const FLUSH_EVERY_MS = 1_000;
/** Of packets, in a capture that nobody asked for by name. */
const LARGEST = 64 * 1024 * 1024;

/** A capture under way. */
export interface CaptureFile {
  readonly path: string;
  readonly tracer: Tracer;
  /** Makes what was captured so far readable. */
  flush(): void;
}

/** When a capture is to stop, and whom to tell. */
interface Limit {
  readonly bytes: number;
  readonly reached: () => void;
}

/** Captures into `path` until the process ends; the file can be read while it grows. @throws CliError */
export function captureInto(path: string, limit?: Limit): CaptureFile {
  const file = orCliError(() => openPcapngFile(path));
  const tracer = captureTrace(file.sink);
  const flush = (): void => {
    tracer.flush();
    file.flush();
  };
  setInterval(flush, FLUSH_EVERY_MS).unref();
  atEnd(() => {
    tracer.flush();
    file.close();
  });
  return { path: resolve(path), tracer: limit === undefined ? tracer : limited(tracer, limit), flush };
}

function limited(tracer: Tracer, { bytes, reached }: Limit): Tracer {
  let left = bytes;
  return (event) => {
    if (left < 0) return;
    if (event.type === 'frame') left -= event.tail - event.head;
    if (left < 0) reached();
    else tracer(event);
  };
}

/**
 * Captures into a new file in `folder`; without one in the package's `captures/out`, or in the system's folder for temporary
 * files if that cannot be written. `full` is called when the file is as large as it may become.
 */
export function captureIntoFolder(folder: string | undefined, full: () => void): CaptureFile {
  const limit = { bytes: LARGEST, reached: full };
  const now = new Date();
  const name = `serve-${now.toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-')}-${process.pid}.pcapng`;
  if (folder !== undefined) return captureInto(join(made(folder), name), limit);
  try {
    return captureInto(join(made(join(packageFolder(), 'captures', 'out')), name), limit);
  } catch {
    return captureInto(join(made(join(tmpdir(), `glasstack-${process.getuid?.() ?? 0}`)), name), limit);
  }
}

/** The folder, made if there is none. @throws CliError */
function made(folder: string): string {
  return orCliError(() => {
    mkdirSync(folder, { recursive: true });
    return folder;
  });
}

function orCliError<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CliError(`The capture cannot be written: ${reason}.`);
  }
}

/** All of them, one after the other; undefined if there is none. */
export function allTracers(...tracers: readonly (Tracer | undefined)[]): Tracer | undefined {
  const given = tracers.filter((tracer) => tracer !== undefined);
  if (given.length === 0) return undefined;
  return (event) => {
    for (const tracer of given) tracer(event);
  };
}
