/** What `process.getActiveResourcesInfo()` calls the things that will call the program back without time moving on. */
const SOON: ReadonlySet<string> = new Set([
  'Immediate',
  'FSReqCallback',
  'FSReqPromise',
  'CloseReq',
  'GetAddrInfoReqWrap',
  'GetNameInfoReqWrap',
]);

/** More turns of the event loop than any program takes to settle. */
const MOST_TURNS = 100_000;

const realSetImmediate: typeof setImmediate = setImmediate;

/**
 * Waits until the program is quiet: ticks, promises, streams and immediates are through, and no file or name is being read. A turn
 * of Node's event loop runs all ticks and promises that follow from each other; immediates may lead to more immediates.
 */
export class Quiescence {
  readonly #turn = (resolve: () => void): void => {
    realSetImmediate(resolve);
  };

  async settle(): Promise<void> {
    for (let turns = 0; turns < MOST_TURNS; turns++) {
      await new Promise<void>(this.#turn);
      if (!isBusy()) return;
    }
    throw new Error(
      `the program is not quiet after ${MOST_TURNS} turns of the event loop: endless setImmediate?`,
    );
  }
}

function isBusy(): boolean {
  for (const name of process.getActiveResourcesInfo()) if (SOON.has(name)) return true;
  return false;
}
