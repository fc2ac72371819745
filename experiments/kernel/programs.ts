/**
 * The kernel's ends: plain sockets. The congestion control is chosen for each of them, since only the first namespace may have a
 * default that is not free for all.
 */

/** `receive PORT…`: takes one connection per port and reads all that comes. */
export const RECEIVE = `
import socket, sys, threading
def take(listener):
    s, _ = listener.accept()
    while s.recv(1 << 20):
        pass
listeners = [socket.create_server(('', int(port))) for port in sys.argv[1:]]
for each in listeners:
    threading.Thread(target=take, args=(each,)).start()
print('ready', flush=True)
`;

/** `send HOST PORT CONGESTION`: sends zeros until it is killed. */
export const SEND = `
import socket, sys
s = socket.socket()
s.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, sys.argv[3].encode())
s.connect((sys.argv[1], int(sys.argv[2])))
print('connected', flush=True)
block = bytes(1 << 16)
while True:
    s.sendall(block)
`;

/**
 * `burst HOST BYTES AT_ONCE CONGESTION`: for each port that comes on a line, one connection: a byte, a pause, then so many bytes, until the peer
 * closes; then a line of JSON with the timeouts that TCP_INFO counts (Linux 6.7 and up).
 */
export const BURST = `
import json, socket, struct, sys, threading, time
host, size, at_once = sys.argv[1], int(sys.argv[2]), threading.Semaphore(int(sys.argv[3]))
block = bytes(size)
out = threading.Lock()
def burst(port):
    with at_once:
        s = socket.socket()
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, sys.argv[4].encode())
        s.connect((host, port))
        s.sendall(b'x')
        time.sleep(0.4)
        s.sendall(block)
        while s.recv(4096):
            pass
        info = s.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 320)
        timeouts = struct.unpack_from('H', info, 240)[0] if len(info) >= 244 else None
        s.close()
        with out:
            print(json.dumps({'port': port, 'timeouts': timeouts}), flush=True)
for line in sys.stdin:
    threading.Thread(target=burst, args=(int(line),)).start()
`;
