/** ECN end to end: queues that mark, and middleboxes that meddle with it. */
import { describe, expect, it } from 'vitest';
import type { Middlebox } from '../../../sim/middlebox/middlebox.ts';
import type { DropTailOptions, QueueOptions } from '../../../sim/queue/queue.ts';
import {
  type World,
  clearEcnFlags,
  createWorld,
  overwriteEcn,
  pair,
  stripOptions,
} from '../../../sim/sim.ts';
import { matchers } from '../../../sim/vitest.ts';
import type { EcnSetting, TcpSettings } from '../../../stack/settings.ts';
import type { TcpConnection } from '../../../stack/tcp/connection.ts';
import { ms } from '../../../stack/time.ts';

expect.extend(matchers);

const DATA = new Uint8Array(3 << 20).map((_, index) => index * 31 + (index >> 9));

interface Outcome {
  readonly world: World;
  /** Virtual µs until all of it was there. */
  readonly took: number;
  readonly marks: number;
  readonly losses: number;
  readonly sender: TcpConnection;
  readonly receiver: TcpConnection;
}

/** 3 MiB from one host to another, through `queue` at 20 Mbit/s with a round trip of 40 ms. */
function transfer(
  tcp: Partial<TcpSettings>,
  { queue, boxes = [] }: { readonly queue?: QueueOptions; readonly boxes?: readonly Middlebox[] },
): Outcome {
  const world = createWorld({ seed: 1, settings: { tcp } });
  const there = {
    delay: ms(20),
    rate: { bitsPerSecond: 20_000_000 },
    middleboxes: boxes,
    ...(queue === undefined ? {} : { queue }),
  };
  const { a, b } = pair(world, { 'a→b': there, 'b→a': { delay: ms(20), middleboxes: boxes } });
  let took = 0;
  let receiver: TcpConnection | undefined;
  b.listen(80, (flow) => (receiver = flow.connection), {
    heard: (event, flow) => {
      if (event.type !== 'end') return;
      took = world.now;
      expect(flow.received).toBe(DATA.length);
    },
  });
  const sender = a.connect(b, 80).send(DATA).end().connection;
  world.run();
  world.finish();
  if (receiver === undefined) throw new Error('nobody has connected');
  const marks = world.events.filter((event) => event.type === 'link' && event.action === 'mark').length;
  const losses = world.events.filter((event) => event.type === 'link-loss').length;
  return { world, took, marks, losses, sender, receiver };
}

const QUEUES: readonly Exclude<QueueOptions, DropTailOptions>[] = [
  { discipline: 'red', min: 40, max: 400, maxProbability: 0.1, weight: 0.02 },
  { discipline: 'codel' },
  { discipline: 'fq-codel' },
];

describe('queues that mark instead of dropping', () => {
  for (const queue of QUEUES)
    it.each(['on', 'accurate'] as const)(
      `${queue.discipline}, ecn %s: nothing is lost, nothing sent again, and it takes no longer than with losses, by five per cent [RFC 3168 5, 6.1]`,
      (ecn) => {
        const small = { initialSsthresh: 150_000 }; // slow start ends before it overruns what marks can hold back
        const marking = transfer({ ecn, ...small }, { queue: { ...queue, ecn: true } });
        const dropping = transfer({ ecn, ...small }, { queue });
        expect(dropping.losses).toBeGreaterThan(0);
        expect(marking.marks).toBeGreaterThan(0);
        expect(marking.losses).toBe(0);
        expect(marking.world).not.toRetransmit();
        expect(marking.took).toBeLessThanOrEqual(dropping.took * 1.05);
        expect(marking.receiver.ecn.receivedMarks).toBe(marking.marks);
      },
    );

  it('with accurate feedback the sender knows each mark [RFC 9768 3.2]', () => {
    const { marks, sender } = transfer(
      { ecn: 'accurate' },
      { queue: { discipline: 'red', min: 5, max: 400, maxProbability: 0.5, weight: 0.02, ecn: true } },
    );
    expect(marks).toBeGreaterThan(10);
    expect(sender.ecn.deliveredMarks).toBe(marks);
    expect(sender.ecn.accurate.optionSeen).toBe(true);
    const { ect0, ect1, ce } = sender.ecn.accurate.delivered;
    expect([ect0 + ce, ect1]).toEqual([DATA.length, 0]);
  });
});

describe('middleboxes', () => {
  const queue: QueueOptions = { discipline: 'codel', ecn: true };

  it.each(['on', 'accurate'] as const)(
    'that bleach the codepoint, ecn %s: no marks, and losses as without ECN',
    (ecn) => {
      const { marks, losses, sender } = transfer({ ecn }, { queue, boxes: [overwriteEcn()] });
      expect([marks, sender.ecn.deliveredMarks]).toEqual([0, 0]);
      expect(losses).toBeGreaterThan(0);
    },
  );

  it.each(['on', 'accurate'] as const)(
    'that clear the flags of SYNs, ecn %s: there is no ECN [RFC 3168 6.1.1]',
    (ecn) => {
      const { marks, sender, receiver } = transfer({ ecn }, { queue, boxes: [clearEcnFlags('syn')] });
      expect([marks, sender.ecn.mode, receiver.ecn.mode]).toEqual([0, 'off', 'off']);
    },
  );

  it('that set all codepoints to CE: the transfer ends all the same [RFC 3168 6.1.2]', () => {
    const { sender } = transfer({ ecn: 'on' }, { boxes: [overwriteEcn(3)] });
    expect(sender.ecn.mode).toBe('off'); // a SYN with CE is no ECN-setup SYN
    const accurate = transfer({ ecn: 'accurate' }, { boxes: [overwriteEcn(3)] });
    expect([accurate.sender.ecn.mode, accurate.sender.ecn.capable]).toEqual(['accurate', false]); // the SYN-ACK tells
  });

  it('that mark all data, but not SYNs: the sender slows down, and does not stop [RFC 3168 6.1.2]', () => {
    const boxes = [onData(overwriteEcn(3))];
    for (const ecn of ['on', 'accurate'] as const) {
      const { sender, losses } = transfer({ ecn }, { boxes });
      expect(sender.ecn.deliveredMarks).toBeGreaterThan(1000);
      expect([losses, sender.sender.congestion.cwnd <= 4 * sender.sender.mss]).toEqual([0, true]);
    }
  });

  it('that clear the flags of all but SYNs: Accurate ECN notices, and sets no ECT [RFC 9768 3.2.2.4]', () => {
    const { marks, sender, receiver } = transfer(
      { ecn: 'accurate' },
      { queue, boxes: [notOnSyns(clearEcnFlags())] },
    );
    expect([sender.ecn.mode, sender.ecn.capable, receiver.ecn.capable]).toEqual(['accurate', false, false]);
    expect(marks).toBeLessThan(30); // of the first windows
  });

  it('that strip the option: the field is enough [RFC 9768 3.2.3]', () => {
    const { sender, marks } = transfer({ ecn: 'accurate' }, { queue, boxes: [stripOptions([172, 174])] });
    expect(sender.ecn.accurate.optionSeen).toBe(false);
    expect(sender.ecn.deliveredMarks).toBeGreaterThanOrEqual(marks);
    expect(marks).toBeGreaterThan(0);
  });

  it.each([
    ['on', 1],
    ['accurate', 2],
  ] as const)(
    'that drop SYNs with ECN, ecn %s: the fallback gets through [RFC 3168 6.1.1.1]',
    (ecn: EcnSetting, lost) => {
      const { losses, sender } = transfer({ ecn }, { boxes: [dropEcnSyns] });
      expect([losses, sender.ecn.capable]).toEqual([lost, false]);
    },
  );
});

/** TCP flags of a packet without link header over IPv4. */
function flagsOf(packet: { readonly view: DataView; readonly head: number }): number {
  return packet.view.getUint16(packet.head + (packet.view.getUint8(packet.head) & 15) * 4 + 12) & 0x1ff;
}

function notOnSyns(box: Middlebox): Middlebox {
  return {
    name: box.name,
    process: (passage) => ((flagsOf(passage.packet) & 2) === 0 ? box.process(passage) : 'pass'),
  };
}

function onData(box: Middlebox): Middlebox {
  return notOnSyns({
    name: box.name,
    process: (passage) => (passage.packet.length > 200 ? box.process(passage) : 'pass'),
  });
}

const dropEcnSyns: Middlebox = {
  name: 'drops SYNs with ECN',
  process: ({ packet }) => ((flagsOf(packet) & 0xc2) === 0xc2 ? 'LINK_FIREWALL' : 'pass'),
};
