// An echo server on Bun's socket API: runs unchanged under Bun and under `glasstack run`.
// The one thing to know: write() takes what fits and returns how much that was. The rest is yours to keep until `drain`.
import type { Socket, SocketApi } from '../socket-api/types.ts';

declare const Bun: SocketApi;

type Echo = { unsent: Uint8Array[]; peerEnded: boolean };

function send(socket: Socket<Echo>): void {
  const { unsent, peerEnded } = socket.data;
  for (let chunk = unsent[0]; chunk !== undefined; chunk = unsent[0]) {
    const taken = socket.write(chunk);
    if (taken < 0) return; // closed
    if (taken < chunk.length) {
      unsent[0] = chunk.subarray(taken);
      return socket.pause(); // the peer does not read: stop reading from it, until `drain`
    }
    unsent.shift();
  }
  if (peerEnded) socket.end();
  else socket.resume();
}

Bun.listen<Echo>({
  hostname: '0.0.0.0',
  port: Number(process.env['PORT'] ?? 7),
  allowHalfOpen: true, // a peer that has finished sending still gets its last bytes back
  socket: {
    open(socket) {
      socket.data = { unsent: [], peerEnded: false };
    },
    data(socket, chunk) {
      socket.data.unsent.push(chunk);
      send(socket);
    },
    drain: send,
    end(socket) {
      socket.data.peerEnded = true;
      send(socket);
    },
  },
});
