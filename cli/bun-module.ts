/** What `import … from 'bun'` finds in a program that `glasstack run` runs. */
import type { SocketApi } from '../socket-api/types.ts';

declare global {
  // oxlint-disable-next-line no-var -- `let` would declare no member of globalThis
  var Bun: SocketApi & { readonly version: string; readonly env: NodeJS.ProcessEnv };
}

const bun: typeof globalThis.Bun = globalThis.Bun;
export const listen: SocketApi['listen'] = bun.listen;
export const connect: SocketApi['connect'] = bun.connect;
export const version: string = bun.version;
export const env: NodeJS.ProcessEnv = bun.env;
export default bun;
