/** The kernel-side programs, in Python because it is everywhere and adds little; each prints one number. */

/** Where the servers (`server.ts`) listen. */
export const PORTS = { sink: 5001, source: 5002, echo: 5003, firstConnect: 5010, connects: 16 } as const;
/** The TUN's two sides. */
export const TUN_KERNEL = '10.77.0.1';
export const TUN_STACK = '10.77.0.2';
/** The two ends of the veth pair. */
export const VETH_CLIENT = '10.78.0.1';
export const VETH_SERVER = '10.78.0.2';

const PREAMBLE = `
import socket, sys, time
host, port, warm, secs = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4])
def opened(port):
    s = socket.socket()
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, b'cubic')
    s.connect((host, port))
    return s
`;

/** Sends as fast as it goes; from the end of the warm-up until the server has everything. */
const SEND = `${PREAMBLE}
s = opened(port); b = bytes(1 << 18); begun = time.time(); start = None; n = 0
while True:
    now = time.time()
    if start is None and now - begun >= warm: start = now; n = 0
    if start is not None and now - start >= secs: break
    n += s.send(b)
s.shutdown(1); s.recv(1)
print(n * 8 / (time.time() - start) / 1e9)
`;

/** Receives as fast as it goes. */
const RECEIVE = `${PREAMBLE}
s = opened(port); b = bytearray(1 << 18); begun = time.time(); start = None; n = 0
while True:
    now = time.time()
    if start is None and now - begun >= warm: start = now; n = 0
    if start is not None and now - start >= secs: break
    got = s.recv_into(b)
    if got == 0: raise Exception('the server closed')
    n += got
print(n * 8 / (now - start) / 1e9)
`;

/** 64 bytes there and back. */
const PING_PONG = `${PREAMBLE}
s = opened(port); s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
m = bytes(64); begun = time.time(); start = None; n = 0
while True:
    now = time.time()
    if start is None and now - begun >= warm: start = now; n = 0
    if start is not None and now - start >= secs: break
    s.sendall(m)
    left = 64
    while left > 0:
        got = len(s.recv(left))
        if got == 0: raise Exception('the server closed')
        left -= got
    n += 1
print(n / (now - start))
`;

/** Opens and closes, one after the other, on several ports in turn. */
const CONNECT = `${PREAMBLE}
begun = time.time(); start = None; n = 0
while True:
    now = time.time()
    if start is None and now - begun >= warm: start = now; n = 0
    if start is not None and now - start >= secs: break
    opened(port + n % ${PORTS.connects}).close()
    n += 1
print(n / (now - start))
`;

/** A program, and the port of the server that it goes to. */
export interface Client {
  readonly script: string;
  readonly port: number;
}

/** By what they do. */
export const CLIENTS: Readonly<Record<'send' | 'receive' | 'pingPong' | 'connect', Client>> = {
  send: { script: SEND, port: PORTS.sink },
  receive: { script: RECEIVE, port: PORTS.source },
  pingPong: { script: PING_PONG, port: PORTS.echo },
  connect: { script: CONNECT, port: PORTS.firstConnect },
};
