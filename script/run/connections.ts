import type { PacketAction } from '../language/syntax.ts';
import { ConnectionChecks } from '../packets/checks.ts';
import type { LivePacket } from '../packets/live-packet.ts';
import { ScriptConnection } from '../packets/mapping.ts';

/** Where the script's remote ends begin to count their ports. */
const FIRST_REMOTE_PORT = 40_001;

/** A connection with what waits to be looked at. */
export class Track {
  readonly connection: ScriptConnection;
  readonly checks: ConnectionChecks = new ConnectionChecks();
  readonly queue: LivePacket[] = [];

  constructor(connection: ScriptConnection) {
    this.connection = connection;
  }
}

/** Which packet is of which connection. */
export class Tracks {
  readonly #bindPort: number;
  readonly #check: (packet: LivePacket, track: Track) => void;
  readonly #tracks: Track[] = [];
  readonly #named: Map<string, Track> = new Map();
  /** Of connections that no line has spoken of yet. */
  readonly #strays: LivePacket[] = [];
  /** Packets that are not TCP. */
  readonly others: LivePacket[] = [];
  #current: Track | undefined;
  #nextPort: number = FIRST_REMOTE_PORT;

  /** `check` is called for each packet as soon as its connection is known. */
  constructor(bindPort: number, check: (packet: LivePacket, track: Track) => void) {
    this.#bindPort = bindPort;
    this.#check = check;
  }

  /** A new socket: unnamed lines speak of its connection from now on. */
  newSocket(): void {
    this.#current = undefined;
  }

  /** A packet has come from the target. */
  arrived(packet: LivePacket): void {
    const { tcp } = packet;
    if (tcp === undefined) {
      this.others.push(packet);
      return;
    }
    const ports = { source: tcp.sourcePort, destination: tcp.destinationPort };
    const track = this.#tracks.findLast(({ connection }) => connection.owns(ports));
    if (track === undefined) {
      this.#strays.push(packet);
      return;
    }
    this.#check(packet, track);
    track.queue.push(packet);
  }

  /** The connection that an inbound line speaks of: a new one if there is none. */
  inbound({ connection: name, ports }: PacketAction): Track {
    if (ports !== undefined) return this.#byPorts(ports.destination, ports.source, name);
    if (name !== undefined) return this.#named.get(name) ?? this.#make(name, this.#bindPort);
    this.#current ??= this.#make('', this.#bindPort);
    return this.#current;
  }

  /** The connection that an outbound line speaks of; undefined: of one whose first packet has not come yet. */
  outbound({ connection: name, ports }: PacketAction): Track | undefined {
    if (ports !== undefined) return this.#byPorts(ports.source, ports.destination, name);
    const known = name === undefined ? this.#current : this.#named.get(name);
    if (known !== undefined) return known;
    const first = this.#strays[0]?.tcp;
    if (first === undefined) return undefined;
    const track = this.#add(
      name ?? '',
      new ScriptConnection(name ?? '', first.sourcePort, first.destinationPort),
    );
    if (name === undefined) this.#current = track;
    return track;
  }

  /** Everything that no line took, with its connection. */
  leftOver(): { readonly packet: LivePacket; readonly track: Track | undefined }[] {
    const left = [
      ...this.#tracks.flatMap((track) => track.queue.map((packet) => ({ packet, track }))),
      ...[...this.#strays, ...this.others].map((packet) => ({ packet, track: undefined })),
    ];
    return left.sort((a, b) => a.packet.at - b.packet.at);
  }

  #byPorts(local: number, remote: number, name: string | undefined): Track {
    const ports = { source: local, destination: remote };
    const known = this.#tracks.findLast(({ connection }) => connection.owns(ports));
    if (known !== undefined) {
      if (name !== undefined) this.#named.set(name, known);
      return known;
    }
    return this.#add(name ?? '', new ScriptConnection(name ?? '', local, remote));
  }

  #make(name: string, localPort: number): Track {
    const remotePort = this.#nextPort;
    this.#nextPort += 1;
    return this.#add(name, new ScriptConnection(name, localPort, remotePort));
  }

  #add(name: string, connection: ScriptConnection): Track {
    const track = new Track(connection);
    this.#tracks.push(track);
    if (name !== '') this.#named.set(name, track);
    for (let index = this.#strays.length - 1; index >= 0; index--) {
      const packet = this.#strays[index];
      const tcp = packet?.tcp;
      if (packet === undefined || tcp === undefined) continue;
      if (!connection.owns({ source: tcp.sourcePort, destination: tcp.destinationPort })) continue;
      track.queue.unshift(packet);
      this.#strays.splice(index, 1);
    }
    for (const packet of track.queue) this.#check(packet, track);
    return track;
  }
}
