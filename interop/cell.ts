import { createHash, randomFillSync } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { capture } from '../device/layers/capture.ts';
import type { KernelDevice } from '../device/kernel-device.ts';
import { openTap } from '../device/tap.ts';
import { openTun } from '../device/tun.ts';
import { impair } from '../sim/link/impair-layer.ts';
import { SystemScheduler } from '../socket-api/node/clock.ts';
import { systemRandom } from '../socket-api/node/random.ts';
import { Host } from '../stack/host.ts';
import type { Device } from '../stack/link/device.ts';
import { type SettingsChanges, settings } from '../stack/settings.ts';
import { type IpAddress, parseAddress } from '../stack/wire/address.ts';
import { openPcapngFile, type PcapngFile } from '../trace/node/pcapng-file.ts';
import { monotonic, type Stall, stallTrouble, worstStall } from './gaps.ts';
import { KernelEnd, type PeerResult } from './kernel-end.ts';
import { type Agreement, type Case, expected, type Place, placeId } from './matrix.ts';
import { OurEnd, type Received } from './our-end.ts';
import { countSegments, SegmentCounter } from './retransmissions.ts';
import { Watch } from './watch.ts';

const PORT = 5001;
const MIB = 1024 * 1024;

/** The kernel's address, ours, and the length of the subnet's prefix. */
const ADDRESSES = { 4: ['10.9.0.1', '10.9.0.2', 24], 6: ['fd09::1', 'fd09::2', 64] } as const;

/** How a cell is run. */
export interface CellOptions {
  /** Bytes each way (20 MiB). */
  readonly size?: number;
  /** Milliseconds until the cell is given up (120,000). */
  readonly timeout?: number;
  /** Of the dice (1). */
  readonly seed?: number;
  /** Of our host; the profile `linux` if it says nothing. */
  readonly settings?: SettingsChanges;
  /** A pcapng file of what passes right below our stack, 128 bytes of each packet. */
  readonly capture?: string;
}

/** What became of one cell: a row in a column. */
export interface CellResult {
  readonly case: string;
  readonly place: Place;
  /** Undefined if it is as it has to be. */
  readonly trouble?: string;
  /** MB/s (10^6 bytes) from the kernel to us, and from us to the kernel. */
  readonly rates: { readonly in?: number; readonly out?: number };
  /** Segments that were sent more than once. */
  readonly retransmissions: { readonly ours: number; readonly kernel?: number };
  readonly stalls: { readonly in?: Stall; readonly out?: Stall };
  /** Both sums were those of what was sent. */
  readonly sha256: boolean;
  /** By the kernel's `tcp_info`. */
  readonly agreed: readonly string[];
  /** Packets that the path lost, held up, and marked. */
  readonly path: { readonly lost: number; readonly late: number; readonly marked: number };
  /** Milliseconds, all in all. */
  readonly took: number;
  /** At a failure: what both ends knew then. */
  readonly ends?: string;
}

/** Runs one cell in a namespace of its own. Never fails: what went wrong is in `trouble`. */
export async function runCell(which: Case, place: Place, options: CellOptions = {}): Promise<CellResult> {
  const cell = new Cell(which, place, options);
  try {
    return await cell.run();
  } finally {
    await cell.close();
  }
}

class Cell {
  readonly #case: Case;
  readonly #place: Place;
  readonly #options: CellOptions;
  readonly #size: number;
  readonly #kernel: KernelEnd = new KernelEnd();
  readonly #watch: Watch = new Watch();
  readonly #end: OurEnd = new OurEnd();
  readonly #counter: SegmentCounter = new SegmentCounter();
  readonly #losses: number[] = [];
  #late: number = 0;
  #marked: number = 0;
  readonly #began: number = monotonic();
  #host: Host | undefined;
  #file: PcapngFile | undefined;
  #received: Received | undefined;
  #receiveFrom: number = 0;
  #sendFrom: number = 0;
  #sentHash: string = '';

  constructor(which: Case, place: Place, options: CellOptions) {
    this.#case = which;
    this.#place = place;
    this.#options = options;
    this.#size = options.size ?? 20 * MIB;
  }

  async run(): Promise<CellResult> {
    const { timeout = 120_000 } = this.#options;
    const late = setTimeout(() => this.#end.giveUp(`not done after ${timeout / 1_000} s`), timeout);
    let trouble: string | undefined;
    let peer: PeerResult = { sent: 0, received: 0 };
    let ends: string | undefined;
    try {
      peer = await this.#exchange();
    } catch (error) {
      trouble = error instanceof Error ? error.message : String(error);
      ends = await this.#bothEnds();
    } finally {
      clearTimeout(late);
    }
    return this.#judged(peer, trouble, ends);
  }

  async close(): Promise<void> {
    this.#watch.stop();
    this.#host?.close();
    this.#file?.close();
    await this.#kernel.close();
  }

  /** The kernel sends, we send, both close. */
  async #exchange(): Promise<PeerResult> {
    const { role, family } = this.#place;
    const [theirs, ours] = ADDRESSES[family];
    await this.#kernel.set(this.#case, family);
    const host = await this.#makeHost();
    const data = randomFillSync(new Uint8Array(this.#size));
    this.#sentHash = sha256(data);
    if (role === 'client') this.#end.listen(host, PORT);
    const { congestion = 'cubic' } = this.#case;
    await this.#kernel.start(role, role === 'client' ? ours : theirs, PORT, this.#size, congestion);
    if (role === 'server') this.#end.connect(host, { address: address(theirs), port: PORT });
    await this.#end.opened();
    this.#watch.follow(this.#end.connection);
    this.#receiveFrom = monotonic();
    this.#received = await this.#end.receive(this.#size);
    this.#sendFrom = monotonic();
    await this.#end.send(data);
    const [peer] = await Promise.all([this.#peerResult(), this.#end.closed()]);
    return peer;
  }

  /** An end that fails takes the other one along. */
  async #peerResult(): Promise<PeerResult> {
    const peer = await this.#kernel.result();
    if (peer.error !== undefined) this.#end.giveUp(`the kernel's end: ${peer.error}`);
    return peer;
  }

  /** Makes our host. Over TAP, IPv6 asks first whether anybody else has the address [RFC 4862 5.4], which takes a second or two. */
  async #makeHost(): Promise<Host> {
    const { device: kind, family } = this.#place;
    const [theirs, ours, prefixLength] = ADDRESSES[family];
    const open = kind === 'tun' ? openTun : openTap;
    const device: KernelDevice = open({
      name: 'gs0',
      address: `${theirs}/${prefixLength}`,
      networkNamespace: this.#kernel.namespace,
      mtu: this.#case.mtu ?? 1_500,
      offload: this.#case.offload ?? true,
    });
    const scheduler = new SystemScheduler();
    const changes: SettingsChanges = this.#options.settings ?? { profile: 'linux' };
    const host = new Host({
      name: 'glass',
      scheduler,
      random: systemRandom(),
      settings: settings({ ...changes, tcp: { ...changes.tcp, ...this.#case.ours } }),
    });
    this.#host = host;
    host.holds.retain();
    const own = address(ours);
    const added = host.addInterface(this.#layered(device, scheduler), [{ address: own, prefixLength }]);
    for (let left = 500; !added.isLocal(own) && left > 0; left -= 1) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    return host;
  }

  /** From the outside in: the path, the capture, the counter. */
  #layered(device: KernelDevice, scheduler: SystemScheduler): Device {
    const { path } = this.#case;
    let outer: Device = device;
    if (path !== undefined) {
      const seed = `${this.#options.seed ?? 1} ${this.#case.id} ${placeId(this.#place)}`;
      const layer = impair({
        scheduler,
        seed,
        in: path,
        out: path,
        emit: (event) => {
          const gone = event.type === 'link-loss' || event.action === 'corrupt';
          if (gone) this.#losses.push(monotonic());
          else if (event.action === 'reorder') this.#late += 1;
          else if (event.action === 'mark') this.#marked += 1;
        },
      });
      outer = layer(outer);
    }
    if (this.#options.capture !== undefined) {
      mkdirSync(dirname(this.#options.capture), { recursive: true });
      this.#file = openPcapngFile(this.#options.capture, { snapLength: 128 });
      outer = capture(scheduler, this.#file.sink)(outer);
    }
    return countSegments(this.#counter)(outer);
  }

  #judged(peer: PeerResult, failure: string | undefined, ends: string | undefined): CellResult {
    const received = this.#received;
    const sums = {
      in: received !== undefined && sha256(received.bytes) === peer.sentHash,
      out: peer.receivedHash === this.#sentHash,
    };
    const stalls = this.#stalls(peer);
    const agreed: readonly string[] = peer.info?.options ?? [];
    const trouble =
      failure ?? wrongSums(sums) ?? wrongAgreement(agreed, this.#case, this.#place) ?? tooLong(stalls);
    const { receivedTo } = peer;
    return {
      case: this.#case.id,
      place: this.#place,
      ...(trouble === undefined ? {} : { trouble }),
      rates: {
        ...(received === undefined ? {} : { in: this.#rate(this.#receiveFrom, received.to) }),
        ...(receivedTo === undefined ? {} : { out: this.#rate(this.#sendFrom, receivedTo) }),
      },
      retransmissions: {
        ours: this.#counter.retransmissions,
        ...(peer.info === undefined ? {} : { kernel: peer.info.retransmissions }),
      },
      stalls,
      sha256: sums.in && sums.out,
      agreed,
      path: { lost: this.#losses.length, late: this.#late, marked: this.#marked },
      took: Math.round(monotonic() - this.#began),
      ...(ends === undefined ? {} : { ends }),
    };
  }

  #stalls(peer: PeerResult): CellResult['stalls'] {
    const { rto = [], gaps, receivedFrom } = peer;
    const { pauses } = this.#watch;
    const losses = this.#losses;
    const progress = this.#received?.progress;
    return {
      ...(progress === undefined ? {} : { in: worstStall(progress.gaps, { rto, pauses, losses }) }),
      ...(gaps === undefined || receivedFrom === undefined
        ? {}
        : {
            out: worstStall([...gaps, [this.#sendFrom, receivedFrom]], {
              rto: this.#watch.rto,
              pauses,
              losses,
            }),
          }),
    };
  }

  /** In MB/s. */
  #rate(from: number, to: number): number {
    return Math.round(this.#size / (to - from) / 100) / 10;
  }

  async #bothEnds(): Promise<string> {
    const sockets = await this.#kernel.sockets();
    let ours = 'no connection';
    try {
      ours = JSON.stringify(this.#end.connection.info());
    } catch {
      // It was never opened.
    }
    return `ours: ${ours}\nkernel: ${sockets}`;
  }
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function address(text: string): IpAddress {
  const parsed = parseAddress(text);
  if (parsed === undefined) throw new Error(`${text} is no address`);
  return parsed;
}

function wrongSums({ in: incoming, out }: { in: boolean; out: boolean }): string | undefined {
  if (!incoming) return 'sha256 differs from the kernel to us';
  return out ? undefined : 'sha256 differs from us to the kernel';
}

function wrongAgreement(agreed: readonly string[], which: Case, place: Place): string | undefined {
  const wanted = expected(which, place.role);
  const all: readonly Agreement[] = ['sack', 'timestamps', 'windowScaling', 'ecn'];
  for (const each of all) {
    if (wanted.has(each) && !agreed.includes(each)) return `${each} was not agreed on`;
    if (!wanted.has(each) && agreed.includes(each)) return `${each} was agreed on`;
  }
  return undefined;
}

function tooLong(stalls: CellResult['stalls']): string | undefined {
  for (const [way, stall] of Object.entries(stalls)) {
    const trouble = stallTrouble(stall);
    if (trouble !== undefined) return `${trouble}, ${way}`;
  }
  return undefined;
}
