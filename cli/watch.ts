import type { Tracer } from '../stack/trace.ts';
import { allTracers, captureInto } from './capture-file.ts';
import { liveLadder } from './live-ladder.ts';
import { type NetworkOptions, withoutPrefix } from './network-options.ts';
import { terminal } from './terminal.ts';

/** Who reads the trace by the options: a capture, a ladder on stderr (stdout is the program's), both, nobody. */
export function watch({
  capture,
  ladder,
  address,
  peerAddress,
  wire,
  configure,
}: NetworkOptions): Tracer | undefined {
  return allTracers(
    capture === undefined ? undefined : captureInto(capture).tracer,
    ladder === undefined
      ? undefined
      : liveLadder(
          terminal(process.stderr),
          configure === true ? 'glasstack' : `glasstack ${withoutPrefix(address)}`,
          configure === true
            ? 'the link'
            : `${wire === true ? 'second host' : 'kernel'} ${withoutPrefix(peerAddress)}`,
        ),
  );
}
