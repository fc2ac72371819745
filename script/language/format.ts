/** Writes a script back as text: what `parseScript` reads again as the same. */

import type {
  Action,
  CallAction,
  Flags,
  IcmpBody,
  IpInfo,
  NumberSpec,
  OptionSpec,
  OptionsSpec,
  PacketAction,
  Script,
  ScriptEvent,
  TcpBody,
  TimeSpec,
  Value,
} from './syntax.ts';

/** The whole script, an event a line. */
export function formatScript(script: Script): string {
  const lines = script.options.map(({ name, value }) => `--${name}${value === '' ? '' : `=${value}`}`);
  if (script.init !== undefined) lines.push(`\`${script.init.command}\``);
  lines.push(...script.events.map(formatEvent));
  if (script.cleanup !== undefined) lines.push(`\`${script.cleanup.command}\``);
  return `${lines.join('\n')}\n`;
}

/** `+.1...0.2 connect(3, ..., ...) = 0` */
export function formatEvent(event: ScriptEvent): string {
  const { time, returnsAt, action } = event;
  const until = returnsAt === undefined ? '' : `...${formatSeconds(returnsAt)}`;
  return `${formatTime(time)}${until} ${formatAction(action)}`;
}

/** `+.1`, `0`, `+.1~+.2`, `*` */
export function formatTime(time: TimeSpec): string {
  if (time.kind === 'any') return '*';
  const sign = time.kind === 'relative' ? '+' : '';
  const until = time.until === undefined ? '' : `~${sign}${formatSeconds(time.until)}`;
  return `${sign}${formatSeconds(time.from)}${until}`;
}

/** Microseconds as seconds, without a needless digit. */
export function formatSeconds(microseconds: number): string {
  const whole = Math.floor(microseconds / 1_000_000);
  const rest = microseconds % 1_000_000;
  if (rest === 0) return String(whole);
  return `${whole}.${String(rest).padStart(6, '0').replace(/0+$/, '')}`;
}

function formatAction(action: Action): string {
  switch (action.type) {
    case 'packet':
      return formatPacket(action);
    case 'call':
      return formatCall(action);
    case 'shell':
      return `\`${action.command}\``;
    case 'code':
      return `%{${action.code}}%`;
  }
}

/** A packet with its direction. */
export function formatPacket({ direction, ip, connection, ports, body }: PacketAction): string {
  const parts = [direction === 'in' ? '<' : '>', ...formatIp(ip)];
  if (connection !== undefined) parts.push(`conn ${connection}`);
  const between = ports === undefined ? [] : [`${ports.source} > ${ports.destination}`];
  switch (body.kind) {
    case 'tcp':
      return [...parts, ...between, formatTcp(body)].join(' ');
    case 'udp':
      return [...parts, 'udp', ...between, `(${body.length})`].join(' ');
    case 'icmp':
      return [...parts, formatIcmp(body)].join(' ');
    case 'raw':
      return [...parts, `raw "${body.hex}"`].join(' ');
    case 'encapsulated':
      return [...parts, body.name].join(' ');
  }
}

function formatIp({ ecn, tos, dscp, ttl, flowLabel, wrong }: IpInfo): string[] {
  const items: string[] = [];
  if (tos !== undefined) items.push(`tos 0x${tos.toString(16)}`);
  if (dscp !== undefined) items.push(`dscp ${dscp}`);
  if (ecn !== undefined) items.push(ecn);
  if (ttl !== undefined) items.push(`ttl ${ttl}`);
  if (flowLabel !== undefined) items.push(`flowlabel 0x${flowLabel.toString(16)}`);
  for (const each of wrong) items.push(each === 'checksum' ? 'badsum' : 'badipsum');
  return items.length === 0 ? [] : [`[${items.join(', ')}]`];
}

function formatTcp({ flags, sequence, length, ack, window, urgent, options, udp }: TcpBody): string {
  const end = (sequence.start + length) % 0x1_0000_0000;
  const numbers =
    sequence.mode === 'any'
      ? `*(${length})`
      : `${sequence.start}:${end}(${length})${sequence.mode === 'absolute' ? '!' : ''}`;
  const parts = [formatFlags(flags), numbers];
  if (ack !== undefined) parts.push(`ack ${formatNumber(ack)}`);
  if (window !== undefined) parts.push(`win ${formatNumber(window)}`);
  if (urgent !== undefined) parts.push(`urg ${urgent}`);
  const optionText = formatOptions(options);
  if (optionText !== '') parts.push(optionText);
  return parts.join(' ') + (udp === undefined ? '' : `/udp(${udp.source} > ${udp.destination})`);
}

/** Letters; `-` for none. */
export function formatFlags(flags: Flags): string {
  const letters = [
    flags.fin ? 'F' : '',
    flags.syn ? 'S' : '',
    flags.rst ? 'R' : '',
    flags.psh ? 'P' : '',
    flags.urg ? 'U' : '',
    flags.ece ? 'E' : '',
    flags.cwr ? 'W' : '',
    flags.ae ? 'A' : '',
    flags.ack ? '.' : '',
  ].join('');
  return letters === '' ? '-' : letters;
}

/** `5`, `5~9` or `*`. */
export function formatNumber(spec: NumberSpec): string {
  if (spec === 'any') return '*';
  return spec.min === spec.max ? String(spec.min) : `${spec.min}~${spec.max}`;
}

/** With their brackets; nothing for none. */
export function formatOptions({ mode, list }: OptionsSpec): string {
  if (mode === 'ignored') return '<...>';
  const inside = list.map(formatOption).join(',');
  if (mode === 'set') return `<{${inside}}>`;
  return list.length === 0 ? '' : `<${inside}>`;
}

/** One option. */
export function formatOption(option: OptionSpec): string {
  switch (option.name) {
    case 'mss':
    case 'wscale':
      return `${option.name} ${formatNumber(option.value)}`;
    case 'sack':
      return `sack ${option.blocks.map(({ left, right }) => `${left}:${right}`).join(' ')}`;
    case 'TS': {
      const absolute = option.absoluteEcho ? '!' : '';
      return `TS val ${formatNumber(option.value)} ecr ${formatNumber(option.echo)}${absolute}`;
    }
    case 'md5':
    case 'FO':
    case 'FOEXP':
      return option.hex === '' ? option.name : `${option.name} ${option.hex}`;
    case 'opt':
      return `opt ${option.kind} ${option.hex}`.trim();
    case 'ECN': {
      const names = option.order === 0 ? ['e0b', 'ceb', 'e1b'] : ['e1b', 'ceb', 'e0b'];
      return `ECN ${option.counters.map((value, index) => `${names[index]} ${value}`).join(' ')}`;
    }
    default:
      return option.name;
  }
}

function formatIcmp({ typeName, codeName, mtu, id, quote }: IcmpBody): string {
  const parts = ['icmp', typeName];
  if (codeName !== undefined) parts.push(codeName);
  if (mtu !== undefined) parts.push(`mtu ${mtu}`);
  if (id !== undefined) parts.push(`id ${id}`);
  if (quote.kind === 'tcp') parts.push(`[${quote.start}:${quote.start + quote.length}(${quote.length})]`);
  else parts.push(`[${quote.kind}(${quote.length})]`);
  return parts.join(' ');
}

/** A call with its result. */
export function formatCall({ name, args, result, errno }: CallAction): string {
  const returned = result === undefined ? '*' : formatValue(result);
  return `${name}(${args.map(formatValue).join(', ')}) = ${returned}${errno === undefined ? '' : ` ${errno}`}`;
}

/** An argument. */
export function formatValue(value: Value): string {
  switch (value.type) {
    case 'integer':
      return value.hex ? `0x${value.value.toString(16)}` : String(value.value);
    case 'text':
      return JSON.stringify(value.value);
    case 'supplied':
      return '...';
    case 'word':
      return value.name;
    case 'flags':
      return value.parts.map(formatValue).join('|');
    case 'list':
      return `[${value.items.map(formatValue).join(', ')}]`;
    case 'function':
      return `${value.name}(${value.args.map(formatValue).join(', ')})`;
    case 'struct':
      return `{${value.fields.map(formatField).join(', ')}}`;
  }
}

function formatField({
  name,
  args,
  value,
}: {
  name: string | undefined;
  args: readonly Value[];
  value: Value;
}): string {
  if (name === undefined) return formatValue(value);
  return `${name}${args.length === 0 ? '' : `(${args.map(formatValue).join(', ')})`}=${formatValue(value)}`;
}
