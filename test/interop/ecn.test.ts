import { randomFillSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { drop } from '../../device/layers/drop.ts';
import type { FrameRule, PassOrDrop } from '../../device/layers/frame-rule.ts';
import { markCongestion } from '../../sim/queue/ecn.ts';
import type { EcnSetting } from '../../stack/settings.ts';
import type { EcnMode } from '../../stack/tcp/ecn.ts';
import type { TcpConnection } from '../../stack/tcp/connection.ts';
import { sha256, StackEnd } from './stack-end.ts';
import { interopMissing, type World, type WorldOptions, withWorld } from './world.ts';

const SIZE = 600_000;
/** Of so many frames that are ECN-capable one is marked, in each direction. */
const MARKED = 25;

/** What is agreed on with the kernel at `tcp_ecn`. Of Accurate ECN the kernel has the half that nobody can ask for (6.18). */
function agreement(opens: EcnSetting | number, accepts: EcnSetting | number): EcnMode {
  const offered = opens === 'on' || opens === 'accurate' || opens === 1;
  return offered && accepts !== 'off' && accepts !== 0 ? 'classic' : 'off';
}

/** A counter of the kernel's, from `/proc/net/netstat`. */
async function counter(world: World, name: string): Promise<number> {
  const { output } = await world.run('cat', '/proc/net/netstat');
  const lines = output.split('\n').map((line) => line.split(' '));
  for (const [index, names] of lines.entries()) {
    const at = names.indexOf(name);
    if (index % 2 === 0 && at > 0) return Number(lines[index + 1]?.[at]);
  }
  throw new Error(`the kernel does not count ${name}`);
}

/** The kernel sends and shuts, then we do, with marks both ways. */
async function eachWay(world: World, role: 'client' | 'server', port: number): Promise<TcpConnection> {
  const actions = [`send:${SIZE}`, 'shut', 'recv', 'close'];
  const ours = randomFillSync(new Uint8Array(SIZE));
  const listening = role === 'server' ? await world.kernelListens(port, actions) : undefined;
  const accepted = role === 'client' ? StackEnd.accept(world.host, port) : undefined;
  const peer = listening ?? world.kernelConnects(port, actions);
  const end = accepted === undefined ? StackEnd.connect(world.host, port) : await accepted;
  const received = await end.receive();
  await end.send(ours);
  end.connection.shutdown();
  expect(await end.closed()).toEqual({ type: 'closed' });
  const result = await world.result(peer);
  expect(received).toEqual({ bytes: SIZE, hash: result.sentHash });
  expect(result.receivedHash).toBe(sha256(ours));
  return end.connection;
}

describe.skipIf(interopMissing)('ECN with the kernel', () => {
  for (const kernel of [0, 1, 2])
    for (const ecn of ['off', 'passive', 'on', 'accurate'] as const)
      it(`tcp_ecn=${kernel}, ours ${ecn}: both roles agree, and marks slow both senders down [RFC 3168 6.1]`, () => {
        const marked = { in: 0, out: 0 };
        const seen = { in: 0, out: 0 };
        const mark: FrameRule<PassOrDrop> = ({ direction, packet }) => {
          const way = direction === 'in' ? 'in' : 'out';
          const tos = packet.view.getUint8(packet.head + 1);
          if (packet.view.getUint8(packet.head) >>> 4 !== 4 || (tos & 3) === 0) return 'pass';
          if (++seen[way] % MARKED === 0 && markCongestion(packet, 'ip')) marked[way] += 1;
          return 'pass';
        };
        const layer: WorldOptions['layer'] = (clock) => drop(clock, mark);
        const settings = {
          profile: 'linux',
          tcp: { ecn, superSegments: false, tailLossProbe: false },
        } as const;
        const options = { name: `ecn-${kernel}-${ecn}`, offload: false, bulk: true, settings, layer };
        return withWorld(options, async (world) => {
          await world.run('sysctl', '-qw', `net.ipv4.tcp_ecn=${kernel}`);
          for (const role of ['server', 'client'] as const) {
            const before = { ...marked };
            const connection = await eachWay(world, role, role === 'server' ? 5001 : 5002);
            const wanted = role === 'server' ? agreement(ecn, kernel) : agreement(kernel, ecn);
            const marks = [marked.in - before.in, marked.out - before.out];
            const info = connection.info();
            expect([role, info.ecn, info.receivedCe]).toEqual([role, wanted, marks[0]]);
            expect(info.deliveredCe > 0).toBe(wanted === 'classic');
            expect(marks.every((each) => each > 0)).toBe(wanted === 'classic');
          }
          expect(await counter(world, 'InCEPkts')).toBe(marked.out);
          expect((await counter(world, 'TCPDeliveredCE')) > 0).toBe(marked.in > 0);
        });
      });

  it('with offload: marks on super-segments in both directions, and CWR on those that the kernel cuts [RFC 3168 6.1.2]', () => {
    let marked = 0;
    let echoed = 0;
    const mark: FrameRule<PassOrDrop> = ({ packet, direction }) => {
      const { view, head } = packet;
      const flags = view.getUint8(head + (view.getUint8(head) & 15) * 4 + 13);
      if (direction === 'out' && packet.segmentSize > 0 && (flags & 0x80) !== 0) echoed += 1;
      if ((view.getUint8(head + 1) & 3) !== 0 && ++marked % 5 === 0) markCongestion(packet, 'ip');
      return 'pass';
    };
    const settings = { profile: 'linux', tcp: { ecn: 'on', tailLossProbe: false } } as const;
    const options = { name: 'ecn-offload', offload: true, bulk: true, settings };
    const layer: WorldOptions['layer'] = (clock) => drop(clock, mark);
    return withWorld({ ...options, layer }, async (world) => {
      await world.run('sysctl', '-qw', 'net.ipv4.tcp_ecn=1');
      const { receivedCe, deliveredCe } = (await eachWay(world, 'server', 5001)).info();
      expect(Math.min(receivedCe, deliveredCe, echoed)).toBeGreaterThan(0);
      expect(await counter(world, 'InCEPkts')).toBeGreaterThan(0);
      expect(await counter(world, 'TCPDeliveredCE')).toBeGreaterThan(0);
      expect(await counter(world, 'InCsumErrors')).toBe(0);
    });
  });
});
