/** What a SYN negotiates outlives the time in which nothing but a record, or nothing at all, is kept of it. */
import { expect, it } from 'vitest';
import type { PassingFrame } from '../../device/layers/frame-rule.ts';
import { wire } from '../../device/wire.ts';
import { seededRandom } from '../../sim/random.ts';
import { VirtualClock } from '../../sim/virtual-clock.ts';
import { PacketBuffer } from '../../stack/bytes/packet-buffer.ts';
import { Host } from '../../stack/host.ts';
import { randomBelow } from '../../stack/random.ts';
import { type SettingsChanges, type TcpSettings, settings } from '../../stack/settings.ts';
import type { TcpConnection } from '../../stack/tcp/connection.ts';
import type { TcpListener } from '../../stack/tcp/listener.ts';
import { type Duration, after, ms } from '../../stack/time.ts';
import { type IpAddress, parseAddress } from '../../stack/wire/address.ts';
import { type TcpHeader, parse } from '../../stack/wire/tcp.ts';
import { Program } from '../stack/tcp/pair.ts';
import { figure } from './figures.ts';

const BYTES = 200_000;

/** How the handshake is kept. */
type Kept = 'as a record' | 'as a record, its SYN-ACK repeated' | 'in a cookie';

interface Case {
  readonly profile: NonNullable<SettingsChanges['profile']>;
  readonly kept: Kept;
  readonly family: 4 | 6;
  readonly ecn: 'off' | 'classic' | 'accurate';
}

const CASES: readonly Case[] = (['standard', 'linux', 'textbook'] as const).flatMap((profile) =>
  (['as a record', 'as a record, its SYN-ACK repeated', 'in a cookie'] as const).flatMap((kept) =>
    ([4, 6] as const).flatMap((family) =>
      (['off', 'classic', 'accurate'] as const).map((ecn) => ({ profile, kept, family, ecn })),
    ),
  ),
);

/** A cookie has a bit for classic ECN, none for Accurate ECN. */
function remains({ kept, ecn }: Case): Case['ecn'] {
  return kept === 'in a cookie' && ecn === 'accurate' ? 'off' : ecn;
}

let complete = 0;

function address(text: string): IpAddress {
  return parseAddress(text) ?? expect.fail(text);
}

/** What was seen on the wire after the handshake. */
interface Seen {
  lost: number;
  sacks: number;
  timestamps: number;
  segments: number;
  capable: number;
  largest: number;
}

/** Two hosts, one of which sends the other 200 kB each way, over a wire that loses 2 % once both are established. */
class Transfer {
  readonly clock: VirtualClock = new VirtualClock();
  readonly seen: Seen = { lost: 0, sacks: 0, timestamps: 0, segments: 0, capable: 0, largest: 0 };
  readonly client: Host;
  readonly server: Host;
  readonly programs: readonly [Program, Program] = [new Program(BYTES), new Program(BYTES)];
  readonly #dice: ReturnType<typeof seededRandom>;
  #listener: TcpListener | undefined;
  #synAcks: number = 0;
  readonly #case: Case;

  constructor(of: Case) {
    this.#case = of;
    this.#dice = seededRandom(5, JSON.stringify(of));
    const [left, right] = wire(this.clock, { delay: ms(10), onFrame: (frame) => this.#judges(frame) });
    const ecn = { off: 'off', classic: 'on', accurate: 'accurate' } as const;
    const tcp: Partial<TcpSettings> = {
      ecn: ecn[of.ecn],
      synCookies: of.kept === 'in a cookie' ? 'always' : 'off',
      sack: true,
      timestamps: true,
      windowScaling: true,
      msl: ms(1_000),
    };
    // The client's patience is the longer one, or its second SYN, which has no ECN [RFC 3168 6.1.1.1], would come first.
    const host = (name: string, initialRto: Duration): Host =>
      new Host({
        name,
        scheduler: this.clock,
        random: seededRandom(6, name),
        settings: settings({ profile: of.profile, tcp: { ...tcp, initialRto } }),
      });
    this.client = host('client', ms(3_000));
    this.server = host('server', ms(1_000));
    const [mine, other, prefixLength] =
      of.family === 4 ? ['10.0.0.1', '10.0.0.2', 24] : ['fd00::1', 'fd00::2', 64];
    this.client.addInterface(left, [{ address: address(mine), prefixLength }]);
    this.server.addInterface(right, [{ address: address(other), prefixLength }]);
    this.run(ms(5_000)); // addresses are probed
    this.#open(address(other));
  }

  get ends(): readonly [TcpConnection, TcpConnection] {
    const [{ connection: client }, { connection: server }] = this.programs;
    if (client === undefined || server === undefined) throw new Error('no connection');
    return [client, server];
  }

  run(time: Duration): void {
    const until = after(this.clock.now(), time);
    while (this.clock.nextEvent <= until) this.clock.step();
    this.clock.advanceTo(until);
  }

  #open(remote: IpAddress): void {
    const [client, server] = this.programs;
    const listener = this.server.tcp.listen(
      { port: 80 },
      {
        connectionReady: () => {
          server.connection = this.#listener?.accept(server);
        },
      },
    );
    this.#listener = listener;
    client.connection = this.client.tcp.connect({ remote: { address: remote, port: 80 } }, client);
  }

  #judges({ packet }: PassingFrame): 'pass' | 'drop' {
    const bytes = packet.contents();
    const six = (bytes[0] ?? 0) >> 4 === 6;
    if (bytes[six ? 6 : 9] !== 6) return 'pass';
    const header = parse(PacketBuffer.copyOf(bytes.subarray(six ? 40 : 20)));
    if (typeof header === 'string') throw new Error(header);
    if (header.syn) {
      if (header.ack !== undefined) this.#synAcks += 1;
      const repeat = this.#case.kept === 'as a record, its SYN-ACK repeated';
      return repeat && header.ack !== undefined && this.#synAcks === 1 ? 'drop' : 'pass';
    }
    this.#note(header, six ? ((bytes[1] ?? 0) >> 4) & 3 : (bytes[1] ?? 0) & 3, bytes.length);
    const established = this.programs[1].connection !== undefined;
    if (!established || randomBelow(this.#dice, 50) > 0) return 'pass';
    this.seen.lost += 1;
    return 'drop';
  }

  #note({ options }: TcpHeader, codepoint: number, length: number): void {
    const { seen } = this;
    seen.segments += 1;
    if (options.sack !== undefined) seen.sacks += 1;
    if (options.timestamps !== undefined) seen.timestamps += 1;
    if (codepoint === 2) seen.capable += 1;
    seen.largest = Math.max(seen.largest, length);
  }
}

it.each(CASES)(
  'A7 what a SYN negotiates is in use after it was kept $kept: SACK, timestamps, window scale, MSS, ECN $ecn [IPv$family, $profile]',
  (of) => {
    const transfer = new Transfer(of);
    const { server, seen } = transfer;
    transfer.run(ms(15)); // the SYN has arrived, nothing else
    const cookie = of.kept === 'in a cookie';
    expect([server.stats().halfOpen, server.stats().memory.connections]).toEqual([cookie ? 0 : 1, 0]);
    expect(server.stats().counters.SyncookiesSent).toBe(cookie ? 1 : 0);
    transfer.run(ms(6_000));
    const mode = remains(of);
    for (const connection of transfer.ends) {
      const { timestamps, ecn, sender, receiver } = connection;
      expect([timestamps, ecn.mode, receiver.sack !== undefined]).toEqual([true, mode, true]);
      expect(sender.mss).toBe(1_500 - (of.family === 4 ? 40 : 60) - 12);
    }
    const [client, accepted] = transfer.ends.map((connection) => connection.info());
    expect(accepted?.['snd.wind.shift']).toBe(client?.['rcv.wind.shift']);
    expect(client?.['snd.wind.shift']).toBe(accepted?.['rcv.wind.shift']);
    expect(accepted?.['snd.wind.shift']).toBeGreaterThan(0);
    transfer.run(ms(120_000));
    expect(transfer.programs.map(({ received }) => received)).toEqual([BYTES, BYTES]);
    expect(transfer.programs.map(({ told }) => told.at(-1))).toEqual(['closed', 'closed']);
    expect([seen.lost > 0, seen.sacks > 0, seen.timestamps, seen.capable > 0]).toEqual([
      true,
      true,
      seen.segments,
      mode !== 'off',
    ]);
    expect(seen.largest).toBe(1_500);
    expect([server.tcp.size, transfer.client.tcp.size]).toEqual([0, 0]);
    complete += 1;
    if (complete === CASES.length)
      figure(
        'A7',
        'handshakes kept as a record, repeated, in a cookie; then 200 kB each way with 2 % loss',
        `${complete} of ${CASES.length}`,
      );
  },
);
