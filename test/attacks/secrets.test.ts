import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../sim/random.ts';
import { Secrets } from '../../stack/tcp/isn.ts';
import { EphemeralPorts } from '../../stack/tcp/ports.ts';
import type { IPv4Address } from '../../stack/wire/address.ts';
import { ATTACKER, Field, VICTIM, figure } from './field.ts';

/** Differences of successive numbers, modulo 2^32, as signed ones. */
function differences(numbers: readonly number[]): number[] {
  return numbers.slice(1).map((each, i) => (each - (numbers[i] ?? 0)) | 0);
}

/** Correlation of a series with itself one place on. */
function serialCorrelation(series: readonly number[]): number {
  const mean = series.reduce((sum, each) => sum + each, 0) / series.length;
  let products = 0;
  let squares = 0;
  for (const [i, each] of series.entries()) {
    squares += (each - mean) ** 2;
    if (i > 0) products += (each - mean) * ((series[i - 1] ?? 0) - mean);
  }
  return products / squares;
}

/** nmap's "SP" [nmap book, 8.3.1 "TCP ISN sequence predictability index"]: 8 log2 of the deviation of the rates. */
function nmapIndex(numbers: readonly number[], seconds: number): number {
  const rates = differences(numbers).map((each) => Math.abs(each) / seconds);
  const mean = rates.reduce((sum, each) => sum + each, 0) / rates.length;
  const deviation = Math.sqrt(rates.reduce((sum, each) => sum + (each - mean) ** 2, 0) / (rates.length - 1));
  return deviation <= 1 ? 0 : Math.round(8 * Math.log2(deviation));
}

/** ISNs of 10,000 SYN-ACKs, one every 100 ms. */
function isns(
  ports: (i: number) => { port: number; from: IPv4Address },
  synCookies: 'off' | 'always',
): number[] {
  const field = new Field({ tcp: { synCookies, synAckRetries: 0, initialRto: 50_000 as never } });
  return Array.from({ length: 10_000 }, (_, i) => {
    field.take();
    field.send({ ...ports(i), seq: i, flags: 'S' });
    const isn = field.take()[0]?.header.seq ?? 0;
    field.run(100);
    return isn;
  });
}

describe('A5 ISN prediction', () => {
  it.each([
    ['to one port, from many', 'off', (i: number) => ({ port: 1_024 + i, from: ATTACKER })],
    [
      'to one port, from many addresses',
      'off',
      (i: number) => ({ port: 4_000, from: (0x0a20_0000 + i) as IPv4Address }),
    ],
    ['to one port, from many, as cookies', 'always', (i: number) => ({ port: 1_024 + i, from: ATTACKER })],
  ] as const)(
    'A5 of 10,000 ISNs %s none tells the next: nmap calls it "Good luck!" [RFC 6528 3]',
    (name, cookies, from) => {
      const numbers = isns(from, cookies);
      const index = nmapIndex(numbers, 0.1);
      const correlation = serialCorrelation(numbers);
      expect(index).toBeGreaterThanOrEqual(250);
      expect(Math.abs(correlation)).toBeLessThan(0.04); // four standard deviations of a random series
      figure('A5', `nmap's index (255: hardest), ${name}`, index);
      figure('A5', `serial correlation of 10,000, ${name}`, correlation);
    },
  );

  it('A5 for one pair of ends the ISN goes on with the clock of 4 µs [RFC 9293 MUST-8]', () => {
    const steps = differences(isns(() => ({ port: 4_000, from: ATTACKER }), 'off'));
    expect(new Set(steps)).toEqual(new Set([25_000]));
    expect(new Field().control()).toBe('works');
  });
});

describe('A6 port prediction', () => {
  it('A6 of 10,000 connections the first port to a new destination cannot be told from the last one [RFC 6056 3.3.4]', () => {
    const range = { from: 49_152, to: 65_535 };
    const ports = new EphemeralPorts(range, new Secrets(seededRandom(6, 'ports')));
    const chosen = Array.from(
      { length: 10_000 },
      (_, i) =>
        ports.choose(VICTIM, { address: (0x0b00_0000 + i) as IPv4Address, port: 443 }, () => true) ?? 0,
    );
    // Entropy of 64 classes, which 10,000 samples measure well, and what is left in each class is as even.
    const classes = new Map<number, number>();
    const steps = new Map<number, number>();
    for (const [i, port] of chosen.entries()) {
      classes.set(port % 64, (classes.get(port % 64) ?? 0) + 1);
      const step = (port - (chosen[i - 1] ?? 0) + 16_384) % 16_384;
      steps.set(step >> 8, (steps.get(step >> 8) ?? 0) + 1);
    }
    const bits = (counts: Map<number, number>): number =>
      [...counts.values()].reduce((sum, n) => sum - (n / 10_000) * Math.log2(n / 10_000), 0);
    expect(bits(classes)).toBeGreaterThan(5.98);
    expect(bits(steps)).toBeGreaterThan(5.98);
    const distinct = new Set(chosen).size;
    const expected = 16_384 * (1 - Math.exp(-10_000 / 16_384)); // of as many random draws
    expect(Math.abs(distinct - expected)).toBeLessThan(200);
    figure(
      'A6',
      'bits of entropy of a port, of 14',
      14 - (6 - bits(classes)) - Math.abs(Math.log2(distinct / expected)),
    );
  });

  it('A6 ports to one destination are never used twice while they are taken, down to the last one', () => {
    const field = new Field({ tcp: { ephemeralPorts: { from: 50_000, to: 50_199 }, synRetries: 3 } });
    const connect = (): number =>
      field.victim.tcp.connect({ remote: { address: ATTACKER, port: 443 } }, { connectionEvent: () => {} })
        .local.port;
    const ports = Array.from({ length: 200 }, connect);
    expect(new Set(ports).size).toBe(200);
    expect(connect).toThrow('no ephemeral port is free');
    expect(field.control()).toBe('works');
    field.run(60_000);
    expect(field.victim.tcp.size).toBe(0);
  });
});

it('B7 the identification of packets tells nothing: 0 where they may not be fragmented [RFC 6864 4.1]', () => {
  const field = new Field();
  for (let i = 0; i < 50; i++)
    field.send({ port: 4_000 + i, flags: 'S', from: (ATTACKER - (i & 1)) as IPv4Address });
  expect(new Set(field.take().map(({ identification }) => identification))).toEqual(new Set([0]));
  figure('B7', 'identification of 50 SYN-ACKs, two sources', 'all 0 (nmap: "All zeros")');
});

it('B8 timestamps do not tell how long the host is up: another offset for each peer, the same over connections [RFC 7323 5.4]', () => {
  const field = new Field();
  field.run(5_000);
  const value = (from: IPv4Address, port: number): number =>
    field.open(port, from, { mss: 1_460, timestamps: { value: 1, echo: 0 } }).timestamp;
  const peers = Array.from({ length: 100 }, (_, i) => value((0x0a20_0000 + i) as IPv4Address, 4_000));
  expect(new Set(peers.map((each) => each >>> 24)).size).toBeGreaterThan(60);
  expect(value(0x0a20_0000 as IPv4Address, 4_001)).toBe(peers[0]);
  expect(field.control()).toBe('works');
  figure(
    'B8',
    "distinct highest bytes of 100 peers' timestamps",
    new Set(peers.map((each) => each >>> 24)).size,
  );
});
