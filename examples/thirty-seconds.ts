// Two hosts in one process, joined by a wire in memory: no root, no set-up.
//   npx tsx examples/thirty-seconds.ts
import { glasstack, wire, SystemScheduler } from '../index.ts'; // outside of this repository: from 'glasstack'
import { textTrace } from '../trace/trace.ts'; //                                            from 'glasstack/trace'

const scheduler = new SystemScheduler();
const [left, right] = wire(scheduler);
const server = glasstack({ device: left, address: '10.0.0.1/24', name: 'server', scheduler });
const client = glasstack({ device: right, address: '10.0.0.2/24', name: 'client', scheduler });
client.host.tracer = textTrace((line) => console.log(line)); // everything that the client's TCP does

server.listen({
  hostname: '10.0.0.1',
  port: 7,
  socket: {
    data(socket, chunk) {
      const taken = socket.write(chunk); // may be less than it was given: the rest waits for `drain`
      if (taken < chunk.length) throw new Error('a longer echo needs a queue: see examples/echo.ts');
    },
  },
});

const socket = await client.connect({
  hostname: '10.0.0.1',
  port: 7,
  socket: {
    data(socket, chunk) {
      console.log(`echo: ${new TextDecoder().decode(chunk)}`);
      socket.end();
    },
    close() {
      client.close();
      server.close();
    },
  },
});
socket.write('hello');
