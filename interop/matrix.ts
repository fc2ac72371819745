import type { Impairments } from '../sim/link/impairments.ts';
import type { TcpSettings } from '../stack/settings.ts';
import { ms } from '../stack/time.ts';

/** What stands between the two ends, which IP they speak, and which part the kernel has. */
export interface Place {
  readonly device: 'tun' | 'tap';
  readonly family: 4 | 6;
  /** Of the kernel: it connects to us, or we to it. */
  readonly role: 'client' | 'server';
}

/** What can be agreed on in the handshake, by the names that `peer.py` has for the flags of `tcp_info`. */
export type Agreement = 'sack' | 'timestamps' | 'windowScaling' | 'ecn';

/** One row of the matrix: what differs from a kernel as it comes, with cubic, an MTU of 1500 and a perfect path. */
export interface Case {
  readonly id: string;
  /** For the table. */
  readonly title: string;
  /** In the kernel's namespace, below `net.ipv4`. */
  readonly sysctls?: Readonly<Record<string, number>>;
  /** What differs at our host. */
  readonly ours?: Partial<TcpSettings>;
  /** Of the kernel's socket. */
  readonly congestion?: Congestion;
  readonly mtu?: number;
  /** Super-segments and checksums left to the kernel (`true`). */
  readonly offload?: boolean;
  /** Both ways. */
  readonly path?: Impairments;
  /** Both if it says nothing. */
  readonly families?: readonly Place['family'][];
}

export type Congestion = 'cubic' | 'reno' | 'bbr';

/** How long a held-up packet is held up: far more than the round-trip time of a TUN. */
const HELD = ms(5);
const LOSS_1: Impairments = { loss: 0.01 };
const LOSS_5: Impairments = { loss: 0.05 };
/** The queue of a slow link, which marks who can be marked, and drops the others' packets. In slots, since timers are no finer than 1 ms. */
const MARKING: Impairments = {
  slots: { minDelay: ms(2), maxDelay: ms(2), bytes: 25_000 },
  delay: ms(2),
  queue: { discipline: 'codel', ecn: true },
};
const REORDERING: Impairments = { reordering: { p: 0.2, delay: HELD } };

/** We ask for ECN, which we do not by default, as Linux does not. */
const ECN: Partial<TcpSettings> = { ecn: 'on' };

const DIMENSIONS: readonly Case[] = [
  { id: 'plain', title: 'kernel as it comes' },
  { id: 'sack-0', title: '`tcp_sack` 0', sysctls: { tcp_sack: 0 } },
  { id: 'sack-1', title: '`tcp_sack` 1', sysctls: { tcp_sack: 1 } },
  { id: 'timestamps-0', title: '`tcp_timestamps` 0', sysctls: { tcp_timestamps: 0 } },
  { id: 'timestamps-1', title: '`tcp_timestamps` 1', sysctls: { tcp_timestamps: 1 } },
  { id: 'scaling-0', title: '`tcp_window_scaling` 0', sysctls: { tcp_window_scaling: 0 } },
  { id: 'scaling-1', title: '`tcp_window_scaling` 1', sysctls: { tcp_window_scaling: 1 } },
  { id: 'ecn-0', title: '`tcp_ecn` 0', sysctls: { tcp_ecn: 0 }, ours: ECN },
  { id: 'ecn-1', title: '`tcp_ecn` 1', sysctls: { tcp_ecn: 1 }, ours: ECN },
  { id: 'ecn-2', title: '`tcp_ecn` 2', sysctls: { tcp_ecn: 2 }, ours: ECN },
  { id: 'cubic', title: 'cubic', congestion: 'cubic' },
  { id: 'reno', title: 'reno', congestion: 'reno' },
  { id: 'bbr', title: 'bbr', congestion: 'bbr' },
  { id: 'mtu-576', title: 'MTU 576', mtu: 576, families: [4] },
  { id: 'mtu-1280', title: 'MTU 1280', mtu: 1280 },
  { id: 'mtu-1500', title: 'MTU 1500', mtu: 1500 },
  { id: 'mtu-9000', title: 'MTU 9000', mtu: 9000 },
  { id: 'no-offload', title: 'without offload', offload: false },
  { id: 'loss-1', title: '1 % loss', path: LOSS_1 },
  { id: 'loss-5', title: '5 % loss', path: LOSS_5 },
  { id: 'reordering', title: '20 % of packets 5 ms late', path: REORDERING },
];

/** Where two dimensions meet in one piece of code: what is negotiated decides how a loss is made good. */
const COMBINATIONS: readonly Case[] = [
  { id: 'sack-0-loss-1', title: '`tcp_sack` 0, 1 % loss', sysctls: { tcp_sack: 0 }, path: LOSS_1 },
  {
    id: 'timestamps-0-loss-1',
    title: '`tcp_timestamps` 0, 1 % loss',
    sysctls: { tcp_timestamps: 0 },
    path: LOSS_1,
  },
  {
    id: 'scaling-0-loss-1',
    title: '`tcp_window_scaling` 0, 1 % loss',
    sysctls: { tcp_window_scaling: 0 },
    path: LOSS_1,
  },
  { id: 'ecn-1-loss-1', title: '`tcp_ecn` 1, 1 % loss', sysctls: { tcp_ecn: 1 }, ours: ECN, path: LOSS_1 },
  {
    id: 'none-loss-5',
    title: 'none of the options, 5 % loss',
    sysctls: { tcp_sack: 0, tcp_timestamps: 0, tcp_window_scaling: 0, tcp_ecn: 0 },
    path: LOSS_5,
  },
  {
    id: 'ecn-1-marks',
    title: '`tcp_ecn` 1, 100 Mbit/s in slots, 4 ms, CoDel marks',
    sysctls: { tcp_ecn: 1 },
    ours: ECN,
    path: MARKING,
  },
  {
    id: 'ecn-0-marks',
    title: '`tcp_ecn` 0, the same, CoDel drops',
    sysctls: { tcp_ecn: 0 },
    ours: ECN,
    path: MARKING,
  },
  { id: 'reno-loss-1', title: 'reno, 1 % loss', congestion: 'reno', path: LOSS_1 },
  { id: 'bbr-loss-5', title: 'bbr, 5 % loss', congestion: 'bbr', path: LOSS_5 },
  { id: 'ours-newreno', title: 'our end: NewReno', ours: { congestion: 'newreno' } },
  { id: 'ours-bbr', title: 'our end: BBR', ours: { congestion: 'bbr' } },
  {
    id: 'ours-newreno-loss-1',
    title: 'our end: NewReno, 1 % loss',
    ours: { congestion: 'newreno' },
    path: LOSS_1,
  },
  { id: 'ours-bbr-loss-5', title: 'our end: BBR, 5 % loss', ours: { congestion: 'bbr' }, path: LOSS_5 },
  { id: 'mtu-576-loss-1', title: 'MTU 576, 1 % loss', mtu: 576, families: [4], path: LOSS_1 },
  { id: 'mtu-9000-loss-5', title: 'MTU 9000, 5 % loss', mtu: 9000, path: LOSS_5 },
  {
    id: 'sack-0-reordering',
    title: '`tcp_sack` 0, 20 % late',
    sysctls: { tcp_sack: 0 },
    path: REORDERING,
  },
  {
    id: 'everything',
    title: '1 % loss, 1 % with a bit flipped, 1 % doubled, 5 % late',
    path: {
      loss: 0.01,
      corruption: { p: 0.01 },
      duplication: { p: 0.01 },
      reordering: { p: 0.05, delay: HELD },
    },
  },
  {
    id: 'long-reordering',
    title: '10 ms round trip, 20 % 3 ms late, 1 % loss',
    path: { delay: ms(5), reordering: { p: 0.2, delay: ms(3) }, loss: 0.01 },
  },
];

/** All rows, in the order of the table. */
export const CASES: readonly Case[] = [...DIMENSIONS, ...COMBINATIONS];

/** All columns, in the order of the table. */
export const PLACES: readonly Place[] = (['tun', 'tap'] as const).flatMap((device) =>
  ([4, 6] as const).flatMap((family) =>
    (['client', 'server'] as const).map((role) => ({ device, family, role })),
  ),
);

/** A column's name: `tun-4-client`. */
export function placeId({ device, family, role }: Place): string {
  return `${device}-${family}-${role}`;
}

/** What has to be agreed on in this case: everything that we can and that the kernel was not forbidden. */
export function expected({ sysctls = {}, ours = {} }: Case, role: Place['role']): ReadonlySet<Agreement> {
  const agreed = new Set<Agreement>();
  const on = (name: string): boolean => sysctls[name] !== 0;
  if (on('tcp_timestamps')) agreed.add('timestamps');
  if (on('tcp_window_scaling')) agreed.add('windowScaling');
  if (on('tcp_sack')) agreed.add('sack');
  // At 2, as the kernel comes, it takes ECN when asked, and does not ask; so do we [ip-sysctl.rst].
  const asks = role === 'client' ? sysctls['tcp_ecn'] === 1 : ours.ecn === 'on';
  if (on('tcp_ecn') && asks) agreed.add('ecn');
  return agreed;
}
