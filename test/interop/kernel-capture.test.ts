import { describe, expect, it } from 'vitest';
import { drop } from '../../device/layers/drop.ts';
import { ms } from '../../stack/time.ts';
import type { Program } from './program.ts';
import { StackEnd } from './stack-end.ts';
import { packetFields, tsharkMissing } from './tshark.ts';
import { interopMissing, sleep, STACK, type World, withWorld } from './world.ts';

const a = new TextEncoder().encode('a');
const b = new TextEncoder().encode('b');

/** What the kernel sees on its interface, by tcpdump inside the namespace. */
class KernelCapture {
  readonly file: string;
  readonly #tcpdump: Program;

  constructor(world: World) {
    this.file = world.capture.replace('.pcapng', '-kernel-side.pcap');
    const quiet = ['-Z', 'root', '--immediate-mode', '-U'];
    this.#tcpdump = world.start('tcpdump', '-i', 'gs0', ...quiet, '-w', this.file, 'tcp');
  }

  ready(): Promise<void> {
    return this.#tcpdump.says('listening on');
  }

  /** Ends it; then what it saw: who sent, seconds, payload bytes, sequence and acknowledgment number. */
  async packets(): Promise<Packet[]> {
    await sleep(100);
    await this.#tcpdump.stop('SIGINT');
    const fields = ['ip.src', 'frame.time_relative', 'tcp.len', 'tcp.seq', 'tcp.ack', 'tcp.flags'];
    const rows = await packetFields(this.file, 'tcp', fields);
    return rows.map(([from, at, length, seq, ack, flags]) => ({
      from: from === STACK ? 'stack' : 'kernel',
      at: Number(at),
      length: Number(length),
      seq: Number(seq),
      ack: Number(ack),
      flags: Number(flags),
    }));
  }
}

interface Packet {
  readonly from: 'stack' | 'kernel';
  readonly at: number;
  readonly length: number;
  readonly seq: number;
  readonly ack: number;
  readonly flags: number;
}

/** Two small writes in two turns, to a kernel that delays its ACKs; what happened up to the second one's ACK. */
async function twoWrites(world: World, noDelay: boolean): Promise<Packet[]> {
  const capture = new KernelCapture(world);
  await capture.ready();
  const peer = await world.kernelListens(5001, ['slowack', 'say:slow', 'recv', 'close']);
  const end = StackEnd.connect(world.host, 5001);
  await end.heard('established');
  await peer.says('slow');
  end.connection.setNoDelay(noDelay);
  end.connection.send(a);
  await new Promise((resolve) => setImmediate(resolve));
  end.connection.send(b);
  await sleep(200);
  const packets = await capture.packets();
  end.connection.shutdown();
  await end.closed();
  expect(await world.result(peer)).toMatchObject({ done: true, received: 2 });
  return packets.slice(3);
}

describe.skipIf(interopMissing || tsharkMissing)('a capture on the kernel’s side', () => {
  it('shows that Nagle’s algorithm holds a second small write until the first is acknowledged', () =>
    withWorld({ name: 'nagle-on' }, async (world) => {
      const packets = await twoWrites(world, false);
      expect(packets.map(({ from, length, seq, ack }) => [from, length, seq, ack])).toEqual([
        ['stack', 1, 1, 1],
        ['kernel', 0, 1, 2],
        ['stack', 1, 2, 1],
        ['kernel', 0, 1, 3],
      ]);
      const [first, acked, second] = packets;
      // Linux delays its ACK by 40 ms; the second write leaves with that ACK and does not wait for a timer of ours.
      expect((acked?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThan(0.02);
      expect((second?.at ?? 0) - (acked?.at ?? 0)).toBeLessThan(0.02);
    }));

  it('shows that with no-delay both small writes leave at once', () =>
    withWorld({ name: 'nagle-off' }, async (world) => {
      const packets = await twoWrites(world, true);
      expect(packets.slice(0, 2).map(({ from, length, seq, ack }) => [from, length, seq, ack])).toEqual([
        ['stack', 1, 1, 1],
        ['stack', 1, 2, 1],
      ]);
      expect((packets[1]?.at ?? 1) - (packets[0]?.at ?? 0)).toBeLessThan(0.02);
    }));

  it('shows keep-alive probes at the idle time, answered, and once unanswered at the interval until a reset', () => {
    let deaf = false;
    const options = {
      name: 'keepalive',
      allowed: ['keep_alive', 'keep_alive_ack'] as const,
      layer: (clock: Parameters<typeof drop>[0]) =>
        drop(clock, ({ direction }) => (deaf && direction === 'in' ? 'drop' : 'pass')),
    };
    return withWorld(options, async (world) => {
      const capture = new KernelCapture(world);
      await capture.ready();
      const accepted = StackEnd.accept(world.host, 5001);
      const peer = world.kernelConnects(5001, ['recv']);
      const end = await accepted;
      end.connection.setKeepAlive({ idle: ms(1_000), interval: ms(700), count: 3 });
      await end.send(a);
      await sleep(2_500);
      deaf = true; // our side hears nothing more
      expect(await end.closed()).toEqual({ type: 'closed', reason: 'keepalive' });
      expect(await world.result(peer)).toMatchObject({ received: 1, error: 'ECONNRESET' });
      const packets = (await capture.packets()).slice(3);
      const ours = packets.filter(({ from }) => from === 'stack');
      // The data; two probes at the idle time; three without answer; the reset.
      expect(ours.map(({ length, seq, flags }) => [length, seq, flags & 0x07])).toEqual([
        [1, 1, 0],
        ...Array.from({ length: 5 }, () => [0, 1, 0]), // SND.NXT - 1
        [0, 2, 4],
      ]);
      const gaps = ours.slice(1).map(({ at }, i) => at - (ours[i]?.at ?? 0));
      for (const [i, wanted] of [1, 1, 1, 0.7, 0.7, 0.7].entries()) {
        expect(gaps[i], `gap ${i}`).toBeGreaterThan(wanted - 0.05);
        expect(gaps[i], `gap ${i}`).toBeLessThan(wanted + 0.15);
      }
      // The kernel answers each of them (but no two within 500 ms: `tcp_invalid_ratelimit`).
      expect(packets.filter(({ from, ack }) => from === 'kernel' && ack === 2)).toHaveLength(6);
    });
  });
});
