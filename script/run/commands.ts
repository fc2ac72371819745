/** Commands in backticks: settings, not a shell. Nothing is ever executed. */

import type { IpSettings, Settings, SettingsChanges, TcpSettings } from '../../stack/settings.ts';
import { ms, seconds } from '../../stack/time.ts';
import type { Position } from '../language/syntax.ts';
import { ScriptError, UnsupportedError } from '../script-error.ts';
import { FREEBSD } from './freebsd-sysctls.ts';
import { ecn, ip, type Mapping, only, tcp } from './sysctl-mapping.ts';

/** One `name=value` of `sysctl`, `net.ipv4.tcp_sack` in dots. */
export interface Sysctl {
  readonly name: string;
  readonly value: string;
  readonly position: Position;
}

const ASSIGNMENT = /([A-Za-z][\w./]*)\s*=\s*("[^"]*"|'[^']*'|[^\s;&|]+)/g;

/** The settings that a command makes. Throws `UnsupportedError` for any other command. */
export function readCommand(command: string, position: Position): Sysctl[] {
  const found: Sysctl[] = [];
  for (const part of command.split(/\n|;|&&/)) {
    const text = part
      .replace(/\\$/, '')
      .replace(/\d?>\s*\S+/g, '')
      .trim();
    if (text === '' || text.startsWith('#') || /^(true|:)$/.test(text)) continue;
    if (!/^sysctl\b/.test(text))
      throw new UnsupportedError(`the command '${text.split(/\s/)[0] ?? text}'`, position);
    const assignments = [...text.matchAll(ASSIGNMENT)];
    if (assignments.length === 0) throw new UnsupportedError('sysctl that sets nothing', position);
    for (const [, name = '', value = ''] of assignments) {
      found.push({ name: name.replaceAll('/', '.'), value: value.replace(/^["'](.*)["']$/, '$1'), position });
    }
  }
  return found;
}

/** tcp_fastopen: 1 for clients, 2 for servers; what else it has (data without cookies, all listeners) is not supported. */
const FAST_OPEN_ROLES = ['off', 'client', 'server', 'both'] as const;

const MAPPINGS: Readonly<Record<string, Mapping>> = {
  'net.ipv4.tcp_timestamps': (value) => tcp({ timestamps: value !== 0 }),
  'net.ipv4.tcp_window_scaling': (value) => tcp({ windowScaling: value !== 0 }),
  'net.ipv4.tcp_rmem': (_, [, initial, most]) =>
    initial === undefined || most === undefined
      ? undefined
      : tcp({ receiveBuffer: { from: initial, to: Math.max(initial, most) } }),
  'net.ipv4.tcp_wmem': (_, [, initial, most]) =>
    initial === undefined || most === undefined
      ? undefined
      : tcp({ sendBuffer: { from: initial, to: Math.max(initial, most) } }),
  'net.ipv4.tcp_syn_retries': (value) => tcp({ synRetries: value }),
  'net.ipv4.tcp_synack_retries': (value) => tcp({ synAckRetries: value }),
  'net.ipv4.tcp_keepalive_time': (value) => tcp({ keepAliveIdle: seconds(value) }),
  'net.ipv4.tcp_keepalive_intvl': (value) => tcp({ keepAliveInterval: seconds(value) }),
  'net.ipv4.tcp_keepalive_probes': (value) => tcp({ keepAliveCount: value }),
  'net.ipv4.tcp_fin_timeout': (value) => tcp({ finWait2Timeout: seconds(value) }),
  'net.ipv4.tcp_invalid_ratelimit': (value) => tcp({ challengeAckInterval: ms(value) }),
  'net.ipv4.tcp_rto_max_ms': (value) => tcp({ maxRto: ms(value) }),
  'net.ipv4.tcp_rto_min_us': (value) => tcp({ minRto: ms(value / 1000) }),
  'net.ipv4.tcp_rfc1337': (value) => tcp({ rfc1337: value !== 0 }),
  'net.ipv4.tcp_min_snd_mss': (value) => tcp({ minMss: value }),
  'net.ipv4.ip_default_ttl': (value) => ip({ ttl: value }),
  'net.ipv4.tcp_slow_start_after_idle': (value) => tcp({ slowStartAfterIdle: value !== 0 }),
  'net.ipv4.tcp_ecn': (value) => ecn(['off', 'on', 'passive', 'accurate'], value),
  'net.ipv4.tcp_ecn_option': (value) =>
    value === 0 || value === 2 ? tcp({ accurateEcnOption: value !== 0 }) : undefined,
  'net.ipv4.tcp_ecn_fallback': only(1),
  'net.ipv4.tcp_ecn_option_beacon': () => ({}),
  'net.ipv4.tcp_fastopen': (value) => {
    const fastOpen = FAST_OPEN_ROLES[value];
    return fastOpen === undefined ? undefined : tcp({ fastOpen });
  },
  'net.ipv4.tcp_fastopen_blackhole_timeout_sec': only(0),
  'net.ipv4.tcp_syncookies': only(0, 1),
  'net.ipv4.tcp_sack': (value) => tcp({ sack: value !== 0 }),
  'net.ipv4.tcp_dsack': (value) => tcp({ dsack: value !== 0 }),
  'net.ipv4.tcp_mtu_probing': (value) =>
    value === 0 || value === 1 ? tcp({ mtuProbing: value === 0 ? 'off' : 'black-hole' }) : undefined,
  'net.ipv4.tcp_retries1': (value) => tcp({ r1: value, blackHoleTimeouts: value }),
  'net.ipv4.tcp_min_rtt_wlen': (value) => tcp({ minRttWindow: seconds(value) }),
  'net.ipv4.route.min_pmtu': (value) => ip({ minPathMtu: value }),
  'net.ipv4.route.mtu_expires': (value) => ip({ pathMtuTimeout: seconds(value) }),
  'net.ipv4.tcp_early_retrans': (value) => tcp({ tailLossProbe: value === 3 || value === 4 }),
  'net.ipv4.tcp_recovery': (value) => tcp({ rack: (value & 1) !== 0 }),
  'net.ipv4.tcp_syn_linear_timeouts': only(0),
  'net.ipv4.tcp_shrink_window': only(0),
  'net.ipv4.tcp_min_tso_segs': () => ({}),
  'net.ipv4.tcp_tso_win_divisor': () => ({}),
  'net.ipv4.tcp_pacing_ss_ratio': () => ({}),
  'net.ipv4.tcp_pacing_ca_ratio': () => ({}),
  'net.ipv4.tcp_no_metrics_save': () => ({}),
  'net.ipv4.tcp_frto': (value) => tcp({ frto: value !== 0 }),
  'net.ipv4.tcp_reordering': (value) => tcp({ dupThresh: value }),
  'net.ipv4.tcp_retries2': () => undefined,
  'net.ipv4.tcp_fastopen_cookies': () => ({}),
  ...FREEBSD,
};

/** Congestion control, by the name that the kernel gives it. */
const CONGESTION: Readonly<Record<string, TcpSettings['congestion']>> = {
  reno: 'newreno',
  cubic: 'cubic',
  bbr: 'bbr',
};

/** Taken without any effect: what they are about does not exist here, nor in public kernels. */
const WITHOUT_EFFECT: ReadonlySet<string> = new Set([
  'net.ipv4.tcp_fastopen_cookies',
  'net.inet.tcp.hostcache.purgenow',
]);

/** What to tell about settings that were taken. */
export function notesOf(sysctls: readonly Sysctl[]): string[] {
  return sysctls
    .filter(({ name }) => WITHOUT_EFFECT.has(name))
    .map(({ name }) => `${name} has no effect here`);
}

/** The changes to the stack's settings. Throws `UnsupportedError` for what the stack does not have. */
export function settingsOf(sysctls: readonly Sysctl[], base: Settings): SettingsChanges {
  let changes: { tcp: Partial<TcpSettings>; ip: Partial<IpSettings> } = { tcp: {}, ip: {} };
  for (const { name, value, position } of sysctls) {
    if (name === 'net.ipv4.tcp_fastopen_key') {
      changes = { ...changes, tcp: { ...changes.tcp, fastOpenKey: value } };
      continue;
    }
    const values = value.split(/[\s,]+/).map(Number);
    const [first = Number.NaN] = values;
    if (name === 'net.ipv4.tcp_congestion_control') {
      const congestion = CONGESTION[value];
      if (congestion === undefined) throw new UnsupportedError(`the congestion control ${value}`, position);
      changes = { ...changes, tcp: { ...changes.tcp, congestion } };
      continue;
    }
    if (name === 'net.core.default_qdisc') {
      // fq holds each connection to the rate that TCP names; the others leave that to the congestion control.
      changes = { ...changes, tcp: { ...changes.tcp, pacing: value === 'fq' ? 'on' : 'auto' } };
      continue;
    }
    const mapping = MAPPINGS[name];
    if (mapping === undefined) throw new UnsupportedError(`the setting ${name}`, position);
    if (values.some(Number.isNaN)) throw new ScriptError(`${name} is '${value}': give numbers`, position);
    const change = mapping(first, values, { ...base.tcp, ...changes.tcp });
    if (change === undefined) throw new UnsupportedError(`the setting ${name}=${value}`, position);
    changes = { tcp: { ...changes.tcp, ...change.tcp }, ip: { ...changes.ip, ...change.ip } };
  }
  return changes;
}
