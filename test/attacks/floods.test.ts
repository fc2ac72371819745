import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../sim/random.ts';
import type { TcpSettings } from '../../stack/settings.ts';
import { ms, seconds } from '../../stack/time.ts';
import { type IPv4Address, ipv4 } from '../../stack/wire/address.ts';
import type { PacketBuffer } from '../../stack/bytes/packet-buffer.ts';
import { ATTACKER, type Caught, Field, type Forged, type Honest, figure, forge, timed } from './field.ts';

/** An address of 10/8 that is neither ours nor the client's. */
function spoofed(random: { u32(): number }): IPv4Address {
  return (0x0a10_0000 + (random.u32() % 0xe0_0000)) as IPv4Address;
}

interface Flood {
  readonly tried: number;
  readonly succeeded: number;
  readonly largest: number;
  readonly largestHalfOpen: number;
  readonly microseconds: number;
  readonly field: Field;
}

/** 100,000 spoofed SYNs in 100 s, and an honest connection every second. */
function flood(synCookies: TcpSettings['synCookies'], timestamps: boolean): Flood {
  const field = new Field({ tcp: { synCookies } });
  field.quiet = true;
  const random = seededRandom(3, 'flood');
  const honest: Honest[] = [];
  let largest = 0;
  let largestHalfOpen = 0;
  let microseconds = 0;
  for (let second = 0; second < 100; second++) {
    honest.push(field.honest(2_000));
    for (let part = 0; part < 10; part++) {
      const syns = Array.from({ length: 100 }, () =>
        forge({
          from: spoofed(random),
          port: 1_024 + (random.u32() % 60_000),
          seq: random.u32(),
          flags: 'S',
          options: { mss: 1_460, ...(timestamps ? { timestamps: { value: random.u32(), echo: 0 } } : {}) },
        }),
      );
      microseconds += timed(1, () => field.inject(...syns).run(100));
      const { memory, halfOpen } = field.stats;
      largest = Math.max(largest, memory.total);
      largestHalfOpen = Math.max(largestHalfOpen, halfOpen);
    }
  }
  field.run(10_000);
  return {
    tried: honest.length,
    succeeded: honest.filter(({ done }) => done).length,
    largest,
    largestHalfOpen,
    microseconds: microseconds / 100_000,
    field,
  };
}

describe('A7 SYN flood', () => {
  it.each([true, false])(
    'A7 during 100,000 spoofed SYNs every honest connection is made, and memory stays flat [RFC 4987 3.6; SYNs with timestamps: %s]',
    (timestamps) => {
      const { tried, succeeded, largest, largestHalfOpen, microseconds, field } = flood(
        'overflow',
        timestamps,
      );
      expect([succeeded, largestHalfOpen]).toEqual([tried, 128]);
      expect(largest).toBeLessThan(256 * 1_024);
      expect(field.count('SyncookiesSent')).toBeGreaterThan(95_000);
      expect(field.count('SyncookiesRecv')).toBeGreaterThan(90);
      // Each SYN is answered once, and those in the queue five times more at most.
      const retries = field.packetsOut - 100_000;
      expect(retries).toBeLessThan(128 * 5 * 4 + tried * 20);
      field.run(64_000);
      expect(field.victim.tcp.size).toBe(0);
      expect(field.stats.memory.halfOpen).toBeLessThan(64 * 1_024);
      expect(field.control()).toBe('works');
      const kind = timestamps ? 'with timestamps' : 'without timestamps';
      figure('A7', `honest connections made, ${kind}`, `${(100 * succeeded) / tried} %`);
      figure('A7', `most memory of the stack, ${kind}`, `${Math.round(largest / 1_024)} KiB`);
      figure('A7', `µs per SYN, attacker's side included, ${kind}`, microseconds);
    },
  );

  it('A7 without cookies the same flood keeps honest clients out: the attack is one', () => {
    const { tried, succeeded, field } = flood('off', true);
    expect(succeeded).toBeLessThan(tried / 4);
    expect(field.count('TCPReqQFullDrop')).toBeGreaterThan(90_000);
    figure('A7', 'honest connections made without cookies', `${(100 * succeeded) / tried} %`);
  });

  it('A7 with cookies always on nothing is ever kept of a SYN', () => {
    const { tried, succeeded, largestHalfOpen } = flood('always', true);
    expect([succeeded, largestHalfOpen]).toEqual([tried, 0]);
  });

  it('A7 a half-open connection takes a record, and its SYN-ACK leaves six times in all', () => {
    const field = new Field({ backlog: 20_000 });
    field.quiet = true;
    for (let i = 0; i < 10_000; i++)
      field.inject(forge({ from: (0x0a20_0000 + i) as IPv4Address, flags: 'S', options: { mss: 1_460 } }));
    field.run(0);
    const { halfOpen, memory } = field.stats;
    expect([halfOpen, field.listener.halfOpen, field.victim.tcp.size]).toEqual([10_000, 10_000, 10_000]);
    expect(memory.connections + memory.send + memory.receive).toBe(0);
    const bytes = memory.halfOpen / halfOpen;
    expect(bytes).toBeLessThan(160);
    field.run(70_000);
    expect(field.victim.tcp.size).toBe(0);
    expect(field.count('AttemptFails')).toBe(10_000);
    const answers = field.packetsOut / 10_000;
    expect(answers).toBe(6);
    expect(field.control()).toBe('works');
    figure('A7', 'bytes per half-open connection', bytes);
    figure('A7', 'SYN-ACKs per SYN that is never answered', answers);
  });

  it('A7 a guessed cookie opens nothing: of 100,000 ACKs none does, and each gets a RST at most', () => {
    const field = new Field({ backlog: 1, tcp: { synCookies: 'always' }, ip: { icmpRate: 10 } });
    field.quiet = true;
    field.send({ flags: 'S' }); // the listener has sent a cookie, so ACKs are looked at
    const random = seededRandom(4, 'guess');
    for (let i = 0; i < 100_000; i++)
      field.inject(forge({ port: 5_000, seq: random.u32(), ack: random.u32() }));
    field.run(0);
    expect(field.count('SyncookiesFailed')).toBe(100_000);
    expect([field.count('SyncookiesRecv'), field.accepted.length]).toEqual([0, 0]);
    expect(field.count('OutRsts')).toBeLessThan(100);
    expect(field.control()).toBe('works');
    figure('A7', 'cookies guessed of 100,000', 0);
  });

  it('A7 a cookie is right for its SYN alone, and for two minutes at most', () => {
    const outcome = (change: { seq?: number; port?: number; from?: IPv4Address }, wait: number): number => {
      const field = new Field({ tcp: { synCookies: 'always' } });
      field.run(1_000_000).send({ port: 5_000, seq: 700, flags: 'S', options: { mss: 1_460 } });
      const cookie = (field.take()[0]?.header.seq ?? 0) + 1;
      field.run(wait).send({ port: 5_000, seq: 701, ack: cookie, ...change });
      return field.accepted.length;
    };
    expect(outcome({}, 0)).toBe(1);
    expect(outcome({}, 60_000)).toBe(1);
    expect(outcome({}, 129_000)).toBe(0);
    expect(outcome({ seq: 702 }, 0)).toBe(0);
    expect(outcome({ port: 5_001 }, 0)).toBe(0);
    expect(outcome({ from: ipv4(10, 9, 9, 8) }, 0)).toBe(0);
  });

  it.each(['off', 'always'] as const)(
    'A7 what the SYN offered is in use after the handshake, as if it had been kept [cookies %s]',
    (synCookies) => {
      const field = new Field({ tcp: { synCookies } });
      const honest = field.honest(200_000, false);
      field.run(2_000);
      const info = field.accepted[0]?.info();
      expect([info?.['snd.wind.shift'], info?.mss, field.accepted[0]?.timestamps]).toEqual([7, 1_448, true]);
      expect(honest.echoed).toBe(200_000);
      // The bits that a cookie's timestamp carries are not taken for a round-trip time.
      field.open(5_000, ATTACKER, { timestamps: { value: 1, echo: 0 } });
      expect(field.accepted.at(-1)?.rtt.srtt === undefined).toBe(synCookies === 'always');
    },
  );
});

describe('A16 zero window for ever', () => {
  /** Connections whose peer asks for much and closes its window. */
  function zeroWindows(field: Field, count: number, bytes: number): void {
    for (let i = 0; i < count; i++) {
      const own = field.open(2_000 + i);
      field.send({ ...own, seq: 1_001, ack: own.next, window: 0, data: new Uint8Array(bytes) });
    }
    field.take();
  }

  /** The attacker answers every probe for so long. */
  function answering(field: Field, seconds: number, bytes: number): number {
    let probes = 0;
    for (let second = 0; second < seconds; second += 5) {
      field.run(5_000);
      for (const { header } of field.take()) {
        probes += 1;
        field.inject(forge({ port: header.destinationPort, seq: 1_001 + bytes, ack: header.seq, window: 0 }));
      }
    }
    return probes;
  }

  it('A16 1,000 connections with a window of 0 for ever are probed ever more rarely, and the server goes on', () => {
    const field = new Field({ backlog: 2_000 });
    zeroWindows(field, 1_000, 1_000);
    const probes = answering(field, 600, 1_000) / 1_000;
    const { memory, connections } = field.stats;
    expect(connections['ESTABLISHED']).toBe(1_000); // kept as long as probes are answered [RFC 9293 MUST-37]
    expect(probes).toBeLessThan(20);
    expect(field.control()).toBe('works');
    const bytes = memory.total / 1_000;
    expect(bytes).toBeLessThan(8_192);
    for (const connection of field.accepted) connection.setUserTimeout(seconds(60));
    answering(field, 120, 1_000);
    expect(field.victim.tcp.size).toBe(0);
    figure('A16', 'connections alive after 600 s of answered probes', 1_000);
    figure('A16', 'probes per connection in 600 s', probes);
    figure('A16', 'bytes per connection, 1,000 of them unsent', bytes);
  });

  it('A16 a peer that does not answer probes is given up at R2 [RFC 9293 3.8.3]', () => {
    const field = new Field({ backlog: 2_000 });
    zeroWindows(field, 100, 1_000);
    field.run(240_000);
    expect(field.victim.tcp.size).toBe(0);
    expect(field.stats.memory.total - field.stats.memory.halfOpen - field.stats.memory.timeWait).toBe(0);
  });

  it('A16 memory has a limit: new connections are refused first, then connections that take more are aborted', () => {
    const maxMemory = 4 * 1_024 * 1_024;
    const field = new Field({ backlog: 3_000, tcp: { maxMemory }, trace: true });
    let opened = 0;
    for (let i = 0; i < 2_000; i++) {
      try {
        const own = field.open(2_000 + i);
        opened += 1;
        field.send({ ...own, seq: 1_001, ack: own.next, window: 0, data: new Uint8Array(1_400) });
      } catch {
        break; // the SYN was not answered
      }
    }
    expect(opened).toBeGreaterThan(200);
    expect(opened).toBeLessThan(2_000);
    expect(field.count('MemoryRefusals')).toBe(1);
    expect(field.events.some((event) => event.type === 'limit' && event.limit === 'MemoryRefusals')).toBe(
      true,
    );
    // Those that are there go on taking more.
    for (let round = 0; round < 20; round++)
      for (let i = 0; i < opened; i++) {
        const connection = field.accepted[i];
        if (connection === undefined || connection.state !== 'ESTABLISHED') continue;
        field.send({
          port: 2_000 + i,
          seq: connection.receiver.nxt,
          ack: connection.sender.una,
          window: 0,
          data: new Uint8Array(1_400),
        });
      }
    const { memory } = field.stats;
    expect(field.count('TCPAbortOnMemory')).toBeGreaterThan(0);
    expect(memory.total).toBeLessThanOrEqual(maxMemory);
    field.run(300_000); // R2
    expect(field.victim.tcp.size).toBe(0);
    expect(field.control()).toBe('works');
    figure('A16', 'connections until refusal, of 4 MiB', opened);
    figure('A16', 'most memory held, of 4 MiB', `${Math.round(memory.total / 1_024)} KiB`);
  });

  it('A16 connections have a limit of their own, and those that are there work', () => {
    const field = new Field({ tcp: { maxConnections: 10 } });
    const honest = field.honest(1_000, false);
    field.run(100);
    for (let i = 0; i < 9; i++) field.open(3_000 + i);
    expect(() => field.open(3_100)).toThrow('not answered');
    expect([field.count('ConnectionRefusals'), field.drops('NOMEM')]).toEqual([1, 1]);
    expect(() =>
      field.victim.tcp.connect({ remote: { address: ATTACKER, port: 1 } }, { connectionEvent: () => {} }),
    ).toThrow('no room');
    honest.connection.shutdown();
    field.run(1_000);
    expect(honest.done).toBe(true);
  });
});

describe('A17 never closed', () => {
  /** Connections of the attacker, which the server closes first: they end in TIME-WAIT, or stay in FIN-WAIT-2. */
  function openAndClose(field: Field, first: number, count: number, flags: string): void {
    const syns = Array.from({ length: count }, (_, i) => {
      const from = (0x0a40_0000 + Math.floor((first + i) / 50_000)) as IPv4Address;
      return forge({ from, port: 2_000 + ((first + i) % 50_000), seq: 1_000, flags: 'S' });
    });
    field.inject(...syns).run(0);
    const answer = (each: Caught, further: Forged): PacketBuffer =>
      forge({ from: each.to, port: each.header.destinationPort, seq: 1_001, ...further });
    const answers = field.take();
    field.inject(...answers.map((each) => answer(each, { ack: each.header.seq + 1 }))).run(0);
    field.inject(...answers.map((each) => answer(each, { ack: each.header.seq + 2, flags }))).run(0);
    field.take();
    field.accepted.length = 0;
  }

  it('A17 of 100,000 connections in TIME-WAIT no more are kept than the settings say, each as a record', () => {
    const field = new Field({ closes: 'shutdown', tcp: { msl: seconds(120), timeWaitRecords: 65_536 } });
    const microseconds = timed(100_000, () => {
      for (let i = 0; i < 100_000; i += 100) openAndClose(field, i, 100, 'F');
    });
    const { timeWait, memory } = field.stats;
    expect([timeWait, field.count('TCPTimeWaitOverflow')]).toEqual([65_536, 100_000 - 65_536]);
    expect(memory.connections + memory.send + memory.receive).toBe(0);
    const bytes = memory.timeWait / timeWait;
    expect(bytes).toBeLessThan(160);
    expect(field.control()).toBe('works');
    field.run(250_000);
    expect([field.victim.tcp.size, field.victim.tcp.nextDeadline()]).toEqual([0, Number.POSITIVE_INFINITY]);
    figure('A17', 'bytes per connection in TIME-WAIT', bytes);
    figure('A17', 'TCBs at the end', 0);
    figure('A17', 'µs per connection opened and closed, both sides', microseconds);
  });

  it('A17 FIN-WAIT-2 that nobody waits for ends after a while; CLOSE-WAIT ends when the program closes', () => {
    const field = new Field({ closes: 'orphans' });
    for (let i = 0; i < 1_000; i += 100) openAndClose(field, i, 100, '');
    expect(field.stats.connections['FIN-WAIT-2']).toBe(1_000);
    expect(field.control()).toBe('works');
    field.run(61_000);
    expect(field.victim.tcp.size).toBe(0);
    const deaf = new Field({ deaf: true });
    for (let i = 0; i < 100; i++) {
      const own = deaf.open(2_000 + i);
      deaf.send({ ...own, seq: 1_001, ack: own.next, flags: 'F' });
    }
    deaf.run(3_600_000);
    expect(deaf.stats.connections['CLOSE-WAIT']).toBe(100);
    for (const connection of deaf.accepted) connection.close();
    deaf.run(200_000);
    expect(deaf.victim.tcp.size).toBe(0);
    expect(deaf.stats.memory.connections).toBe(0);
  });
});

describe('A19 TIME-WAIT assassination', () => {
  function timeWait(tcp: Partial<TcpSettings> = {}): { field: Field; own: ReturnType<Field['open']> } {
    const field = new Field({ closes: 'shutdown', tcp: { msl: seconds(30), ...tcp } });
    const own = field.open(2_000);
    field.send({ ...own, seq: 1_001, ack: own.next + 1, flags: 'F' });
    expect(field.stats.timeWait).toBe(1);
    expect(field.stats.memory.connections).toBe(0); // it rests as a record
    field.take();
    return { field, own };
  }

  it('A19 RST, old data and an old SYN do not end TIME-WAIT; where RFC 1337 is off, a RST does', () => {
    const { field, own } = timeWait();
    field.send({ ...own, seq: 1_002, flags: 'R' });
    field.send({ ...own, seq: 990, ack: own.next + 1, data: new Uint8Array(5) });
    field.send({ ...own, seq: 900, flags: 'S' });
    field.send({ ...own, seq: 1_001, ack: own.next + 1, flags: 'F' });
    expect([field.stats.timeWait, field.drops('TCP_TIMEWAIT')]).toEqual([1, 1]);
    expect(field.take().map(({ header }) => header.rst)).not.toContain(true);
    expect(field.control()).toBe('works');
    const off = timeWait({ rfc1337: false });
    off.field.send({ ...off.own, seq: 1_002, flags: 'R' });
    expect(off.field.stats.timeWait).toBe(0);
    figure('A19', 'RST, old SYN and data ignored, newer SYN taken', 'pass');
  });

  it('A19 a newer SYN opens the connection anew, beyond the old numbers [RFC 9293 MAY-2]', () => {
    const { field, own } = timeWait();
    field.send({ ...own, seq: 500_000, flags: 'S' });
    const [answer] = field.take();
    expect(answer?.header.syn).toBe(true);
    expect(((answer?.header.seq ?? 0) - own.next) | 0).toBeGreaterThan(0);
    field.send({ ...own, seq: 500_001, ack: (answer?.header.seq ?? 0) + 1 });
    expect([field.accepted.length, field.count('TWRecycled'), field.stats.timeWait]).toEqual([2, 1, 0]);
  });

  it('A19 if the SYN turns out to be an old duplicate, the connection is back in TIME-WAIT [RFC 9293 MAY-2]', () => {
    const { field, own } = timeWait();
    field.send({ ...own, seq: 500_000, flags: 'S' });
    expect(field.stats.timeWait).toBe(0);
    field.send({ ...own, seq: 500_001, flags: 'R' }); // the peer knows nothing of a SYN
    expect([field.stats.timeWait, field.count('TWRestored')]).toEqual([1, 1]);
    field.take();
    field.send({ ...own, seq: 1_001, ack: own.next + 1, flags: 'F' }); // and it answers as it did
    expect(field.take().map(({ header }) => [header.ack, header.rst])).toEqual([[1_002, false]]);
    field.run(ms(60_001) / 1_000);
    expect(field.victim.tcp.size).toBe(0);
  });
});
