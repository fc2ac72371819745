/** The public door of `glasstack/streams`: Node's streams over connections of the stack, and where programs take them. */
export { connectDuplex, TcpDuplex } from './duplex.ts';
export {
  httpAgent,
  ioredisConnector,
  pgStream,
  serveHttp,
  type ServeHttpOptions,
  undiciConnect,
  type UndiciHookOptions,
} from './duplex-hooks.ts';
export {
  type DuplexConnectOptions,
  type Lookup,
  lookupTable,
  type TcpDuplexOptions,
} from './duplex-options.ts';
export { DuplexServer, listenDuplex, type ListenDuplexOptions } from './duplex-server.ts';
