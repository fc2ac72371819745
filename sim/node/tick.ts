/**
 * Resolves after a turn of Node's event loop: promises, streams and `process.nextTick` have had their turn by then. The tick of
 * `createWorld({ tick })` for programs of Node.
 */
export function tick(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
