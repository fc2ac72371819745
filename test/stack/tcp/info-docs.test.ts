import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, it } from 'vitest';
import { createWorld, pair } from '../../../sim/sim.ts';
import { TCP_INFO_NAMES, tcpInfo } from '../../../script/tcp-info.ts';
import { ms } from '../../../stack/time.ts';

const text = readFileSync(resolve('docs/tcp-info.md'), 'utf8');

it('docs/tcp-info.md names every field, and scripts know each of them [RFC 9293 3.9.1.6]', () => {
  const world = createWorld({ seed: 1 });
  const { a, b } = pair(world, { delay: ms(1) });
  b.listen(80);
  const { connection } = a.connect(b, 80);
  world.runFor(ms(10));
  const names = Object.keys(connection.tcpInfo());
  const byteCounters = /^(delivered|received)_(e0|e1|ce)_bytes$/;
  expect(names.filter((name) => !byteCounters.test(name) && !text.includes(`\`${name}\``))).toEqual([]);
  const inScripts = Object.keys(tcpInfo(connection));
  expect(inScripts.toSorted()).toEqual([...TCP_INFO_NAMES].toSorted());
  expect(names.map((name) => `tcpi_${name}`).toSorted()).toEqual([...TCP_INFO_NAMES].toSorted());
});

it('the example of docs/tcp-info.md prints what it says', () => {
  const printed: string[] = [];
  const world = createWorld({ seed: 1 });
  const { a, b } = pair(world, {
    delay: ms(20),
    rate: { bitsPerSecond: 10_000_000 },
    queue: { discipline: 'drop-tail', packets: 20 },
  });
  b.listen(80);
  const client = a.connect(b, 80).send(new Uint8Array(1_000_000));
  for (let tick = 1; tick <= 4; tick++) {
    world.runFor(ms(200));
    const info = client.connection.tcpInfo();
    const { ca_state, snd_cwnd, unacked, lost, total_retrans, delivery_rate, rtt } = info;
    printed.push(
      [`${tick * 200} ms`, ca_state, snd_cwnd, unacked, lost, total_retrans, delivery_rate, rtt].join(' '),
    );
  }
  expect(text).toContain(`${printed.join('\n')}\n`);
});
