import { describe, expect, it } from 'vitest';
import { type World, createWorld, pair } from '../../../sim/sim.ts';
import { settings } from '../../../stack/settings.ts';
import { type Instant, ms, seconds } from '../../../stack/time.ts';
import { add } from '../../../stack/tcp/sequence.ts';
import type { TcpConnection } from '../../../stack/tcp/connection.ts';

const at = (microseconds: number): Instant => microseconds as Instant;

/** A transfer under way at 1 s, and the sender's connection, to be tampered with. */
function underWay(): {
  readonly world: World;
  readonly sender: TcpConnection;
  readonly receiver: TcpConnection;
} {
  const world = createWorld({ seed: 1 });
  const { a, b } = pair(world, { delay: ms(20), rate: { bitsPerSecond: 4_000_000 } });
  let receiver: TcpConnection | undefined;
  b.listen(80, (flow) => (receiver = flow.connection));
  const client = a.connect(b, 80).send(new Uint8Array(1 << 20).map((_, index) => index));
  world.run(at(1_000_000));
  if (receiver === undefined) throw new Error('no connection');
  return { world, sender: client.connection, receiver };
}

/** What the world says after `tamper`. */
function verdict(tamper: (parts: ReturnType<typeof underWay>) => void): string {
  const parts = underWay();
  tamper(parts);
  try {
    parts.world.run(at(5_000_000));
  } catch (error) {
    return error instanceof Error ? `${error.name} ${error.message}` : String(error);
  }
  return 'nothing';
}

describe('the invariants', () => {
  it('hold in a transfer', () => {
    expect(verdict(() => undefined)).toBe('nothing');
  });

  it('1: snd.una, snd.nxt and the window', () => {
    const found = verdict(({ sender }) =>
      Object.defineProperty(sender.sender, 'maxWnd', { get: () => 100, set: () => {} }),
    );
    expect(found).toMatch(
      /SimulationFailure \d+ bytes are out, and the largest window ever was .*invariant 1, event \d+/,
    );
  });

  it('2: an ACK for what never arrived, and rcv.nxt that goes back', () => {
    expect(verdict(({ receiver }) => (receiver.receiver.nxt = add(receiver.receiver.nxt, 5000)))).toContain(
      'bytes that never arrived',
    );
    expect(verdict(({ receiver }) => (receiver.receiver.nxt = add(receiver.receiver.nxt, -3000)))).toContain(
      'goes back',
    );
  });

  it('3: bytes that were not sent', () => {
    const flip = verdict(({ sender }) => {
      const { queue } = sender.sender;
      const copy = queue.copyTo.bind(queue);
      queue.copyTo = (into, place, offset, length) => {
        copy(into, place, offset, length);
        into[place] = (into[place] ?? 0) ^ 1;
      };
    });
    expect(flip).toMatch(/delivered bytes are no prefix of the sent bytes, from offset \d+; invariant 3/);
    const lost = verdict(({ sender }) => sender.sender.queue.drop(10));
    expect(lost).toMatch(/bytes were sent, but|no prefix|invariant [2358]/);
  });

  it('4: beyond the edge that was offered', () => {
    const found = verdict(({ sender }) => {
      Object.defineProperty(sender.sender.congestion, 'cwnd', { get: () => 1 << 24, set: () => {} });
      sender.sender.wnd = 1 << 24;
      sender.sender.maxWnd = 1 << 24;
      sender.sender.updateWindow = () => false;
    });
    expect(found).toMatch(/beyond the edge .*invariant 4/);
  });

  it('6: timers', () => {
    const found = verdict(({ sender }) => {
      sender.timers.clear('retransmission');
      const { set } = sender.timers;
      sender.timers.set = (timer, deadline) =>
        timer !== 'retransmission' && set.call(sender.timers, timer, deadline);
    });
    expect(found).toMatch(/no retransmission timer runs.*invariant 6/);
  });

  it('7: more in flight than cwnd allows', () => {
    const found = verdict(({ sender }) => {
      Object.defineProperty(sender.sender.congestion, 'cwnd', { get: () => 1460, set: () => {} });
      const { sender: half } = sender;
      const next = half.next.bind(half);
      half.next = (now, rto) => {
        Object.defineProperty(half.congestion, 'cwnd', {
          value: 1 << 20,
          writable: true,
          configurable: true,
        });
        const plan = next(now, rto);
        Object.defineProperty(half.congestion, 'cwnd', { value: 1460, writable: true, configurable: true });
        return plan;
      };
    });
    expect(found).toMatch(/in flight with a cwnd of 1460.*invariant 7/);
  });

  it('8: a wrong checksum, a segment that nobody meant', () => {
    const spoilt = (place: (length: number) => number): string =>
      verdict(({ world }) => {
        const ip = world.hosts[0]?.ip;
        if (ip === undefined) throw new Error('no host');
        const send = ip.send.bind(ip);
        ip.send = (packet, options, route) => {
          const at = packet.head + place(packet.length);
          packet.bytes[at] = (packet.bytes[at] ?? 0) ^ 1;
          send(packet, options, route);
        };
      });
    expect(spoilt((length) => length - 1)).toMatch(/the TCP checksum is wrong.*invariant 8/);
    expect(spoilt(() => 15)).toMatch(/invariant 8/);
  });

  it('9: the receive buffer', () => {
    const found = verdict(({ receiver }) => {
      receiver.receive = () => undefined; // a program that does not read
      receiver.receiver.offerWindow = () => 0xffff; // and a window that does not close
      receiver.receiver.edge = add(receiver.receiver.nxt, 1 << 30);
      receiver.receiver.maxBuffer = 65_536;
      Object.defineProperty(receiver.context, 'settings', {
        value: settings({ tcp: { receiveBuffer: { from: 65_536, to: 65_536 } } }),
      });
    });
    expect(found).toMatch(/bytes wait for the program, 65\d+ may.*invariant 9/);
  });

  it('10: what is left at the end', () => {
    const { world } = underWay();
    world.run();
    expect(() => world.finish()).toThrow(/connections are left: #1 ESTABLISHED.*invariant 10/);
    expect(() => underWay().world.finish({ open: true })).not.toThrow();
  });

  it('a rule that never struck, a schedule after the end', () => {
    const world = createWorld({ seed: 1 });
    const { a, b, link } = pair(world);
    link.rule({ name: 'lose the fortieth', nth: 40 });
    b.listen(7);
    a.connect(b, 7).end();
    world.run();
    expect(() => world.finish()).toThrow(
      /"lose the fortieth" never struck: it waits for match 40, and there were \d+, on link a-b/,
    );
    const early = createWorld({ seed: 1 });
    pair(early).link.down(at(1_000_000), at(2_000_000));
    early.run(at(500_000));
    expect(() => early.finish()).toThrow('a change is scheduled for 1000000 µs, after the end of the run');
  });

  it('a time limit, and an event limit', () => {
    const limited = createWorld({ seed: 1, timeLimit: seconds(10) });
    const { a } = pair(limited);
    a.connect('10.0.1.77', 7);
    expect(() => limited.run()).toThrow(/not over after 10000000 µs.*time limit/);
    const endless = createWorld({ seed: 1, maxEvents: 100 });
    const again = (): void => endless.at(endless.in(ms(1)), again);
    again();
    expect(() => endless.run()).toThrow(/100 events: taken for an endless loop/);
  });
});
