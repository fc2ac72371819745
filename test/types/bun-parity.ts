/**
 * Our declarations and Bun's (bun-types 1.4.4) are assigned to each other, both ways. Nothing runs: `tsc -p test/types` is the
 * test. Members of our own (marked in `socket-api/types.ts`) are left out where Bun's lack them.
 */

import type * as ours from '../../socket-api/types.ts';

/** Fails to compile unless `From` can be used wherever `To` is expected. */
type Assignable<From extends To, To> = From;

type Data = { readonly id: number };
type OwnMembers = 'fd' | 'getTypeOfService' | 'setTypeOfService' | 'info';

export type SocketToBun = Assignable<ours.Socket<Data>, Bun.Socket<Data>>;
/** `upgradeTLS` gives sockets, which from Bun lack our own members; the line above compares it the other way. */
export type SocketFromBun = Assignable<Bun.Socket<Data>, Omit<ours.Socket<Data>, OwnMembers | 'upgradeTLS'>>;

export type HandlerToBun = Assignable<ours.SocketHandler<Data>, Bun.SocketHandler<Data>>;
export type HandlerFromBun = Assignable<Bun.SocketHandler<Data>, ours.SocketHandler<Data>>;
export type HandlerKeys = [
  Assignable<keyof ours.SocketHandler, keyof Bun.SocketHandler>,
  Assignable<keyof Bun.SocketHandler, keyof ours.SocketHandler>,
];
export type SocketKeys = [
  Assignable<Exclude<keyof ours.Socket, OwnMembers>, keyof Bun.Socket>,
  Assignable<keyof Bun.Socket, keyof ours.Socket>,
];

export type ListenerToBun = Assignable<ours.TCPSocketListener<Data>, Bun.TCPSocketListener<Data>>;
export type ListenerFromBun = Assignable<Bun.TCPSocketListener<Data>, ours.TCPSocketListener<Data>>;

/** `tls` is compared from Bun to ours only: ours is wider, for any lazy file will do where Bun wants its own. */
type Listen = ours.TCPSocketListenOptions<Data>;
type BunListen = Bun.TCPSocketListenOptions<Data>;
export type ListenOptionsToBun = Assignable<Omit<Listen, 'tls'>, Omit<BunListen, 'tls'>>;
export type ListenOptionsFromBun = Assignable<BunListen, Listen>;
type Connect = ours.TCPSocketConnectOptions<Data>;
type BunConnect = Bun.TCPSocketConnectOptions<Data>;
export type ConnectOptionsToBun = Assignable<Omit<Connect, 'tls'>, Omit<BunConnect, 'tls'>>;
export type ConnectOptionsFromBun = Assignable<BunConnect, Connect>;

/** Programs that use `Bun.listen` and `Bun.connect` can be given ours. */
export type ListenToBun = Assignable<ours.SocketApi['listen'], typeof Bun.listen>;
export type ConnectToBun = Assignable<ours.SocketApi['connect'], typeof Bun.connect>;

export type BinaryToBun = Assignable<ours.BinaryTypeList, Bun.BinaryTypeList>;
export type BinaryFromBun = Assignable<Bun.BinaryTypeList, ours.BinaryTypeList>;
