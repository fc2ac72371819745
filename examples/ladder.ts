// Two hosts, a wire that loses the third data segment, virtual time: what TCP does about it, as a picture.
//   npx tsx examples/ladder.ts text
//   npx tsx examples/ladder.ts svg > ladder.svg
//   npx tsx examples/ladder.ts pcapng > lost-segment.pcapng
import { wire } from '../device/device.ts';
import { dropFrames, rules, seededRandom, VirtualClock } from '../sim/sim.ts';
import { Host } from '../stack/host.ts';
import { settings } from '../stack/settings.ts';
import { ms } from '../stack/time.ts';
import { parseIPv4 } from '../stack/wire/address.ts';
import { captureTrace, ladderOf, ladderSvg, ladderText, TraceRecord } from '../trace/trace.ts';
import { createSocketApi } from '../socket-api/socket-api.ts';

const clock = new VirtualClock();
const lost = dropFrames('a→b', [4]);
const [left, right] = wire(clock, { delay: ms(20), onFrame: rules(lost) });
const record = new TraceRecord();

function host(name: string, text: string, device: typeof left): Host {
  const address = parseIPv4(text);
  if (address === undefined) throw new Error(`${text} is no IPv4 address`);
  const made = new Host({
    name,
    scheduler: clock,
    random: seededRandom(4711, name),
    settings: settings({ profile: 'textbook', tcp: { msl: ms(500) } }),
    tracer: record.tracer,
  });
  made.addInterface(device, [{ address, prefixLength: 24 }]);
  return made;
}

const client = createSocketApi(host('client', '10.0.0.1', left));
const server = createSocketApi(host('server', '10.0.0.2', right));

server.listen({
  hostname: '10.0.0.2',
  port: 80,
  socket: { data() {}, end: (socket) => void socket.end() },
});
void client.connect({
  hostname: '10.0.0.2',
  port: 80,
  socket: {
    open: (socket) => void socket.end(new Uint8Array(12_000)), // nine segments and a FIN
    data() {},
  },
});
clock.run();
lost.assertFired();

const [, , format = 'text'] = process.argv;
if (format === 'pcapng') {
  // The server's view: what was lost is missing, and comments say what each packet did.
  const capture = captureTrace((bytes) => void process.stdout.write(bytes), { host: 'server' });
  for (const event of record.events) capture(event);
  capture.flush();
} else {
  const ladder = ladderOf(record.events, { left: 'client', right: 'server' });
  console.log(format === 'svg' ? ladderSvg(ladder) : ladderText(ladder));
}
