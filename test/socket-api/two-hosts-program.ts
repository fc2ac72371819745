// Two hosts in a real Node process: run by process.test.ts with one argument that says what is to happen.
import { wire } from '../../device/wire.ts';
import { SystemScheduler } from '../../socket-api/node/clock.ts';
import { systemRandom } from '../../socket-api/node/random.ts';
import { nodeRuntime } from '../../socket-api/node/runtime.ts';
import { createSocketApi } from '../../socket-api/socket-api.ts';
import { Host } from '../../stack/host.ts';
import { ipv4 } from '../../stack/wire/address.ts';

const scenario = process.argv[2];
const scheduler = new SystemScheduler();
const [left, right] = wire(scheduler);
const host = (name: string) => new Host({ name, scheduler, random: systemRandom() });
const [client, server] = [host('client'), host('server')];
client.addInterface(left, [{ address: ipv4(10, 0, 0, 1), prefixLength: 24 }]);
server.addInterface(right, [{ address: ipv4(10, 0, 0, 2), prefixLength: 24 }]);

if (scenario === 'survives')
  process.on('uncaughtException', (error) => console.log(`uncaught ${error.message}`));

const listener = createSocketApi(server, nodeRuntime).listen({
  hostname: '0.0.0.0',
  port: 7,
  socket: {
    data(socket, chunk) {
      socket.write(chunk);
      if (scenario === 'throws' || scenario === 'survives') throw new Error('fault in data');
    },
    close: () => console.log('server closed'),
  },
});
listener.unref();
const socket = await createSocketApi(client, nodeRuntime).connect({
  hostname: '10.0.0.2',
  port: 7,
  socket: {
    data(socket, chunk) {
      console.log(`${chunk instanceof Buffer ? 'Buffer' : 'other'} ${chunk.toString()}`);
      socket.end();
    },
    close: () => console.log('client closed'),
  },
});
socket.write('hello');
if (scenario === 'unref') socket.unref();
