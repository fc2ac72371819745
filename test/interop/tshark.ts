import { spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';

/** What Wireshark's TCP analysis may say of a segment. */
export type AnalysisFlag = (typeof LOSS_FLAGS)[number] | (typeof WINDOW_FLAGS)[number];

/** Something was lost, late or sent twice: on a clean path none of these is expected. */
const LOSS_FLAGS = [
  'retransmission',
  'fast_retransmission',
  'spurious_retransmission',
  'lost_segment',
  'ack_lost_segment',
  'out_of_order',
  'duplicate_ack',
  'reused_ports',
] as const;

/** A receiver is full, or somebody is silent: expected only where a test is about that. */
const WINDOW_FLAGS = [
  'zero_window',
  'zero_window_probe',
  'zero_window_probe_ack',
  'keep_alive',
  'keep_alive_ack',
] as const;

// Not looked at, since they tell nothing of a fault: `window_update`, and `window_full` (a sender uses what it is offered).

const FLAGS: readonly AnalysisFlag[] = [...LOSS_FLAGS, ...WINDOW_FLAGS];

const CHECKSUMS = ['ip', 'tcp', 'udp', 'icmp', 'icmpv6'] as const;

/**
 * Linux writes a TCP checksum of 0 as 0xffff when it computes it in software (`skb_checksum_help`). Both verify [RFC 1071 1]; tshark
 * objects to the second.
 */
const NEGATIVE_ZERO = '(tcp.checksum == 0xffff && tcp.checksum_calculated == 0)';

const WANTED: readonly string[] = [
  '_ws.malformed',
  'ip.fragment.error',
  'ip.fragment.overlap.conflict',
  'ipv6.fragment.error',
  'ipv6.fragment.overlap',
  ...CHECKSUMS.map((protocol) => `(${protocol}.checksum.status == "Bad" && !${NEGATIVE_ZERO})`),
  ...FLAGS.map((flag) => `tcp.analysis.${flag}`),
];

/** The fields of a line: frame number, time and stream, then one for each of `NAMES`. */
const NAMES: readonly string[] = [
  'malformed',
  'fragment error',
  'fragment overlap',
  'IPv6 fragment error',
  'IPv6 fragment overlap',
  ...CHECKSUMS.map((protocol) => `bad ${protocol} checksum`),
  ...FLAGS,
];
const FIELDS: readonly string[] = [
  'frame.number',
  'frame.time_relative',
  'tcp.stream',
  'tcp.checksum',
  '_ws.malformed',
  'ip.fragment.error',
  'ip.fragment.overlap.conflict',
  'ipv6.fragment.error',
  'ipv6.fragment.overlap',
  ...CHECKSUMS.map((protocol) => `${protocol}.checksum.status`),
  ...FLAGS.map((flag) => `tcp.analysis.${flag}`),
];
const FIRST_CHECKSUM = 5;
const AFTER_CHECKSUMS = FIRST_CHECKSUM + CHECKSUMS.length;

export const tsharkMissing: boolean = spawnSync('tshark', ['--version']).status !== 0;

/** What is wrong in a capture: how often, and where first. */
export type Findings = Record<string, { count: number; readonly first: string }>;

/**
 * The ports of tests that send random bytes: to Wireshark's guesses they look like this and that, which takes minutes (it
 * waits for the rest of huge messages) and gives malformed ones.
 */
const NO_GUESSES: readonly string[] = [
  '-d',
  'tcp.port==5000-5099,data',
  '-d',
  'tcp.port==80,data',
  '-d',
  'udp.port==5000-5099,data',
  '-o',
  'tcp.desegment_tcp_streams:FALSE',
];
const LONGEST = 60_000;

/** Runs tshark with `options` on a capture and gives its lines. */
export async function* tshark(file: string, ...options: string[]): AsyncGenerator<string> {
  const child = spawn('tshark', ['-n', '-r', file, ...NO_GUESSES, ...options], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: LONGEST,
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  try {
    yield* createInterface({ input: child.stdout });
    if ((await ended) !== 0) throw new Error(`tshark says of ${file}: ${said}`);
  } finally {
    child.kill();
  }
}

/** All that tshark objects to: malformed frames, bad checksums, and analysis flags but those in `allowed`. */
export async function objections(file: string, allowed: readonly AnalysisFlag[] = []): Promise<Findings> {
  const found: Findings = {};
  const options = ['ip.check_checksum', 'tcp.check_checksum', 'udp.check_checksum'].flatMap((name) => [
    '-o',
    `${name}:TRUE`,
  ]);
  const fields = FIELDS.flatMap((field) => ['-e', field]);
  const lines = tshark(file, ...options, '-Y', WANTED.join(' || '), '-T', 'fields', ...fields);
  for await (const line of lines) {
    const [frame, time, stream, tcpChecksum, ...values] = line.split('\t');
    for (const [index, value] of values.entries()) {
      const name = NAMES[index] ?? '';
      const isChecksum = index >= FIRST_CHECKSUM && index < AFTER_CHECKSUMS;
      // Checksum status 0 is "bad"; an error message quotes a packet, so there may be two.
      if (isChecksum ? !value.split(',').includes('0') : value === '') continue;
      if (allowed.some((flag) => flag === name)) continue;
      // A frame that is here for another reason.
      if (name === 'bad tcp checksum' && tcpChecksum === '0xffff') continue;
      const known = found[name];
      if (known !== undefined) known.count += 1;
      else found[name] = { count: 1, first: `frame ${frame} at ${time} s, stream ${stream}` };
    }
  }
  return found;
}

/** How many packets of a capture a display filter takes. */
export async function countPackets(file: string, filter: string): Promise<number> {
  let count = 0;
  for await (const _ of tshark(file, '-Y', filter, '-T', 'fields', '-e', 'frame.number')) count += 1;
  return count;
}

/** The named fields of all packets that a display filter takes, as text. */
export async function packetFields(
  file: string,
  filter: string,
  fields: readonly string[],
): Promise<string[][]> {
  const rows: string[][] = [];
  const options = fields.flatMap((field) => ['-e', field]);
  for await (const line of tshark(file, '-Y', filter, '-T', 'fields', ...options))
    rows.push(line.split('\t'));
  return rows;
}
