/** What a script's options and commands ask for, worked out before it runs. */

import { type Settings, type SettingsChanges, settings, PROFILES } from '../../stack/settings.ts';
import { type IpAddress, isIPv4, parseAddress } from '../../stack/wire/address.ts';
import type { Position, Script, ScriptOption } from '../language/syntax.ts';
import { ScriptError, UnsupportedError } from '../script-error.ts';
import { notesOf, type Sysctl, readCommand, settingsOf } from './commands.ts';
import { checkVersion, type IpVersion, versionOf, type WireVersion, wireVersion } from './ip-version.ts';

/** How exact times have to be. */
export type ToleranceMode = 'exact' | 'script' | 'original';

/** A time may be off by `us`, or by this share of the time since the event before it, whichever is more. */
export interface Tolerance {
  readonly us: number;
  readonly percent: number;
}

/** What `packetdrill` allows. */
export const ORIGINAL_TOLERANCE: Tolerance = { us: 4_000, percent: 12.5 };

/** What the caller may say. */
export interface PlanOptions {
  readonly profile?: keyof typeof PROFILES;
  readonly tolerance?: ToleranceMode;
  /**
   * For scripts that do not name theirs (`--ip_version`): ipv4 by default. Over IPv6 such a script's `--mtu` is taken to be 20 bytes more,
   * so that its segments stay as large as they are.
   */
  readonly ipVersion?: IpVersion;
  /** Changes on top of profile and script. */
  readonly settings?: SettingsChanges;
}

/** All that a run has to know. */
export interface Plan {
  readonly ipVersion: IpVersion;
  /** As on the wire: of IPv6 only for `ipv6`. */
  readonly local: IpAddress;
  readonly remote: IpAddress;
  readonly prefixLength: number;
  readonly bindPort: number;
  readonly connectPort: number;
  readonly mtu: number;
  readonly tolerance: Tolerance;
  /** Packets that no line speaks of: wrong, or worth a warning. */
  readonly unexpected: 'failure' | 'warning';
  /** After the last event: how long to look for packets that no line speaks of, in µs. */
  readonly linger: number;
  /** Whether outbound TS val are compared: always, but for foreign scripts only if they ask for it (`--tcp_ts_tick_usecs`). */
  readonly timestamps: boolean;
  /** No joining of segments. */
  readonly strictSegments: boolean;
  readonly settings: Settings;
  /** For the kernel: what `sysctl` is to set. */
  readonly sysctls: readonly Sysctl[];
  /** Real time passes: that nothing has come means nothing yet. */
  readonly realTime: boolean;
  readonly notes: readonly string[];
}

/** Accepted and without meaning here. */
const IGNORED: ReadonlySet<string> = new Set([
  ...['send_omit_free', 'speed', 'is_anyip', 'code_command', 'code_format', 'so_filename', 'so_flags'],
  ...[
    'psp_udp_port',
    'verbose',
    'debug',
    'code_sockopt',
    'gateway_ip',
    'netmask_ip',
    'init_scripts',
    'dry_run',
  ],
  ...['define', 'D', 'ip_version', 'non_fatal', 'mss'],
]);
const KNOWN: ReadonlySet<string> = new Set([
  ...['local_ip', 'remote_ip', 'bind_port', 'connect_port', 'mtu', 'tolerance_usecs', 'tolerance_percent'],
  ...['strict_segments', 'linger_usecs', 'profile', 'tcp_ts_tick_usecs'],
]);

/** Addresses when the script has none: the original's. */
const ADDRESSES = {
  4: { local: '192.168.0.1', remote: '192.0.2.1', prefixLength: 16 },
  6: { local: 'fd3d:a0b:17d6::1', remote: 'fd3d:fa7b:d17d::1', prefixLength: 48 },
} as const;
/** The header of IPv6 is so much longer: with as much more MTU the segments are of the same size, as in the original. */
const LONGER_HEADER = 20;

/** Works out the plan. Throws `ScriptError` and `UnsupportedError`. */
export function makePlan(script: Script, options: PlanOptions = {}): Plan {
  const given = new OptionReader(script.options);
  const sysctls = script.init === undefined ? [] : readCommand(script.init.command, script.init.position);
  const profile = options.profile ?? given.profile();
  const changes = settingsOf(sysctls, PROFILES[profile]);
  const mode = options.tolerance ?? 'exact';
  const ownVersion = versionOf(script);
  const ipVersion = ownVersion ?? options.ipVersion ?? 'ipv4';
  const wire = wireVersion(ipVersion);
  checkVersion(script, ipVersion, sysctls);
  const extra = wire === 6 && (ownVersion === undefined || !given.has('mtu')) ? LONGER_HEADER : 0;
  return {
    ipVersion,
    local: given.address('local_ip', ADDRESSES[wire].local, wire),
    remote: given.address('remote_ip', ADDRESSES[wire].remote, wire),
    prefixLength: ADDRESSES[wire].prefixLength,
    bindPort: given.number('bind_port', 8080, 0xffff),
    connectPort: given.number('connect_port', 8080, 0xffff),
    mtu: Math.min(given.number('mtu', 1500, 0xffff) + extra, 0xffff),
    tolerance: toleranceOf(mode, given),
    unexpected: mode === 'exact' ? 'failure' : 'warning',
    linger: given.number('linger_usecs', 50_000, 3_600_000_000),
    timestamps: mode === 'exact' || given.has('tcp_ts_tick_usecs'),
    strictSegments: given.has('strict_segments'),
    settings: settings({
      profile,
      ip: { ...changes.ip, ...options.settings?.ip },
      tcp: { ...changes.tcp, ...options.settings?.tcp },
    }),
    sysctls,
    realTime: false,
    notes: [...given.notes, ...notesOf(sysctls)],
  };
}

function isProfile(name: string): name is keyof typeof PROFILES {
  return Object.hasOwn(PROFILES, name);
}

function toleranceOf(mode: ToleranceMode, given: OptionReader): Tolerance {
  if (mode === 'exact') return { us: 0, percent: 0 };
  const fallback = mode === 'original' ? ORIGINAL_TOLERANCE : { us: 0, percent: 0 };
  return {
    us: given.number('tolerance_usecs', fallback.us, 3_600_000_000),
    percent: given.decimal('tolerance_percent', fallback.percent),
  };
}

/** Reads the options of a script, and refuses what is unknown. */
class OptionReader {
  readonly notes: string[] = [];
  readonly #options: Map<string, ScriptOption> = new Map();

  constructor(options: readonly ScriptOption[]) {
    for (const option of options) this.#take(option);
  }

  #take(option: ScriptOption): void {
    const { name, position } = option;
    if (name === 'udp_encapsulation' || name.startsWith('wire_') || name === 'tcp_ts_ecr_scaled')
      throw new UnsupportedError(`--${name}`, position);
    if (IGNORED.has(name)) {
      if (name !== 'ip_version' && name !== 'define' && name !== 'D')
        this.notes.push(`--${name} has no effect here`);
      return;
    }
    if (!KNOWN.has(name))
      throw new ScriptError(`there is no option --${name}: use ${[...KNOWN].join(', ')}`, position);
    this.#options.set(name, option);
  }

  has(name: string): boolean {
    return this.#options.has(name);
  }

  number(name: string, fallback: number, largest: number): number {
    const option = this.#options.get(name);
    if (option === undefined) return fallback;
    const value = Number(option.value);
    if (/^\d+$/.test(option.value) && value <= largest) return value;
    throw new ScriptError(
      `--${name} is '${option.value}': give a whole number up to ${largest}`,
      option.position,
    );
  }

  decimal(name: string, fallback: number): number {
    const option = this.#options.get(name);
    if (option === undefined) return fallback;
    if (/^\d*\.?\d+$/.test(option.value)) return Number(option.value);
    throw new ScriptError(`--${name} is '${option.value}': give a number`, option.position);
  }

  address(name: string, fallback: string, wire: WireVersion): IpAddress {
    const option = this.#options.get(name);
    const text = option?.value ?? fallback;
    const address = parseAddress(text.split('/')[0] ?? text);
    const position: Position = option?.position ?? { line: 1, column: 1 };
    if (address === undefined) throw new ScriptError(`--${name} is '${text}': give an IP address`, position);
    if (isIPv4(address) !== (wire === 4))
      throw new UnsupportedError(`--${name}=${text} over IPv${wire}`, position);
    return address;
  }

  profile(): keyof typeof PROFILES {
    const option = this.#options.get('profile');
    if (option === undefined) return 'linux';
    const { value } = option;
    if (isProfile(value)) return value;
    throw new ScriptError(
      `--profile is '${value}': use ${Object.keys(PROFILES).join(', ')}`,
      option.position,
    );
  }
}
