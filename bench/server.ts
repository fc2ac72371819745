/**
 * What the programs in `clients.ts` talk to: `node server.js glasstack NAMESPACE OFFLOAD` with our stack over a TUN whose kernel
 * side is in the namespace, or `node server.js node` with Node `net`. Says `ready`, and ends with SIGTERM.
 */
import { createServer } from 'node:net';
import { openTun } from '../device/tun.ts';
import { SystemScheduler } from '../socket-api/node/clock.ts';
import { systemRandom } from '../socket-api/node/random.ts';
import { Host } from '../stack/host.ts';
import { settings } from '../stack/settings.ts';
import { PORTS, TUN_KERNEL, TUN_STACK } from './clients.ts';
import { CHUNK, type OnEvent, address, readAll, serve } from './pair.ts';

const chunk: Uint8Array = new Uint8Array(CHUNK).fill(65);

function glasstack(networkNamespace: string, offload: boolean): void {
  const device = openTun({ name: 'gs0', address: `${TUN_KERNEL}/24`, networkNamespace, offload });
  const host = new Host({
    name: 'bench',
    scheduler: new SystemScheduler(),
    random: systemRandom(),
    settings: settings({ profile: 'linux' }),
  });
  host.addInterface(device, [{ address: address(TUN_STACK), prefixLength: 24 }]);
  host.holds.retain();
  const sink: OnEvent = (event, connection) => {
    if (event.type === 'readable') readAll(connection);
    else if (event.type === 'end') connection.shutdown();
  };
  serve(host, PORTS.sink, sink);
  serve(host, PORTS.source, (event, connection) => {
    if (event.type === 'established' || event.type === 'writable') {
      while (connection.send(chunk) === chunk.length);
    } else if (event.type === 'end') connection.close();
  });
  serve(host, PORTS.echo, (event, connection) => {
    if (event.type === 'readable') readAll(connection, (bytes) => void connection.send(bytes));
    else if (event.type === 'end') connection.shutdown();
  });
  for (let each = 0; each < PORTS.connects; each++) serve(host, PORTS.firstConnect + each, sink);
  process.on('SIGTERM', () => {
    host.close();
    process.exit(0);
  });
}

function node(): void {
  const ignore = (): undefined => undefined;
  const sink = createServer((socket) => socket.on('error', ignore).resume());
  sink.listen(PORTS.sink);
  createServer((socket) => {
    const pump = (): void => {
      while (socket.writable && socket.write(chunk));
    };
    socket.on('error', ignore).on('drain', pump).resume();
    pump();
  }).listen(PORTS.source);
  createServer((socket) => {
    socket.setNoDelay(true);
    socket.on('error', ignore).on('data', (bytes) => socket.write(bytes));
  }).listen(PORTS.echo);
  for (let each = 0; each < PORTS.connects; each++) {
    createServer((socket) => socket.on('error', ignore).resume()).listen(PORTS.firstConnect + each);
  }
  process.on('SIGTERM', () => process.exit(0));
}

const [subject, networkNamespace = '', offload = ''] = process.argv.slice(2);
if (subject === 'glasstack') glasstack(networkNamespace, offload === 'true');
else node();
console.log('ready');
