import { describe, expect, it } from 'vitest';
import { runScript, type ScriptResult } from '../../script/script.ts';

const LISTEN = `0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 5) = 0
`;
const ACCEPT = `${LISTEN}+0 < S 0:0(0) win 32792 <mss 1000,nop,wscale 7>
+0 > S. 0:0(0) ack 1 <mss 1460,nop,wscale 7>
+.1 < . 1:1(0) ack 1 win 257
+0 accept(3, ..., ...) = 4
`;

function run(lines: string, before: string = ACCEPT): ScriptResult {
  return runScript(before + lines);
}

/** The fields that differ, of all failures. */
function fields(result: ScriptResult): string[] {
  return result.failures.flatMap((failure) => failure.fields.map(({ field }) => field));
}

/** The failures in short. */
function failures(result: ScriptResult): string[] {
  return result.failures.map(({ kind, position, message }) => `${kind} ${position?.line ?? '-'} ${message}`);
}

const WRITE = '+0 write(4, ..., 100) = 100\n';

describe('a packet that differs', () => {
  it.each([
    ['> . 1:101(100) ack 1', 'flags', 'P.'],
    ['> P. 2:102(100) ack 1', 'sequence number', '1 ('],
    ['> P. 1:101(100) ack 2', 'ack number', '1'],
    ['> P. 1:100(99) ack 1', 'payload length', '100'],
    ['> P. 1:101(100) ack 1 win 5', 'window', '1024'],
    ['> P. 1:101(100) ack 1 urg 5', 'urgent pointer', '0'],
    ['> P. 1:101(100) ack 1 <mss 5>', 'options', 'no options'],
    ['> [ect0] P. 1:101(100) ack 1', 'ECN', 'noecn'],
    ['> (ttl 3) P. 1:101(100) ack 1', 'TTL', '64'],
    ['> (tos 0x10) P. 1:101(100) ack 1', 'TOS', '0x00'],
    ['> (dscp ef) P. 1:101(100) ack 1', 'DSCP', '0'],
  ])('%s', (line, field, actual) => {
    const result = run(`${WRITE}+0 ${line}\n`);
    expect(result.status).toBe('failed');
    expect(fields(result)).toEqual([field]);
    const [failure] = result.failures;
    expect(failure?.fields[0]?.actual).toContain(actual);
    expect(failure?.expected).toBe(`+0 ${line}`);
    expect(failure?.actual).toBe('P. 1:101(100) ack 1 win 1024');
    expect(failure?.variables?.['tcpi_snd_cwnd']).toBe(10);
  });

  it('has all its differences named, and the script goes on', () => {
    const result = run(
      `${WRITE}+0 > F. 5:5(0) ack 1\n+.1 < . 1:1(0) ack 101 win 257\n+0 write(4, ..., 7) = 8\n+0 > P. 101:108(7) ack 1\n`,
    );
    expect(fields(result)).toEqual(['flags', 'sequence number', 'payload length', 'result']);
  });

  it('differs in one option, named with both values', () => {
    const lines = '+0 < S 0:0(0) win 9 <mss 1000>\n+0 > S. 0:0(0) ack 1 <mss 1461>\n';
    expect(run(lines, LISTEN).failures[0]?.fields).toEqual([
      { field: 'mss', expected: '1461', actual: '1460' },
    ]);
  });
});

describe('what may be left open', () => {
  it.each([
    '> P. 1:101(100) ack *',
    '> P. *(100) ack 1',
    '> P. ...(100) ack 1 win *',
    '> P. 1:101(100) ack 1~5 win 1000~1100',
    '> P. 1:101(100) ack 1 <...>',
    '> [noecn] P. 1:101(100) ack 1',
  ])('%s', (line) => {
    expect(failures(run(`${WRITE}+0 ${line}\n`))).toEqual([]);
  });

  it('options in any order, ranges and wildcards in them', () => {
    const lines = '+0 < S 0:0(0) win 9 <mss 1000,nop,nop,TS val 5 ecr 0,nop,wscale 2>\n';
    const fit = '+0 > S. 0:0(0) ack 1 <{wscale *,TS val * ecr 5,mss 1400~1500}>\n';
    expect(failures(run(lines + fit, LISTEN))).toEqual([]);
    const misfit = '+0 > S. 0:0(0) ack 1 <{wscale *,sackOK,mss 1400~1500}>\n';
    const [missing, extra] = run(lines + misfit, LISTEN).failures[0]?.fields ?? [];
    expect(missing).toEqual({ field: 'options', expected: 'sackOK', actual: 'not there' });
    expect(extra?.expected).toBe('no such option');
    expect(extra?.actual).toMatch(/^TS val \d+ ecr 5$/);
  });
});

describe('times', () => {
  const RETRANSMISSION = `${WRITE}+0 > P. 1:101(100) ack 1\n`;

  it('are exact to the microsecond', () => {
    expect(failures(run(`${RETRANSMISSION}+.3 > P. 1:101(100) ack 1\n`))).toEqual([]);
    const late = run(`${RETRANSMISSION}+.299999 > P. 1:101(100) ack 1\n`);
    expect(late.failures[0]?.fields).toEqual([
      { field: 'time', expected: '0.399999', actual: '0.4, 0.000001 s late' },
    ]);
    expect(failures(run(`${RETRANSMISSION}+.300001 > P. 1:101(100) ack 1\n`))).toHaveLength(1);
  });

  it('may be windows, or left open', () => {
    expect(failures(run(`${RETRANSMISSION}+.2~+.4 > P. 1:101(100) ack 1\n`))).toEqual([]);
    expect(failures(run(`${RETRANSMISSION}* > P. 1:101(100) ack 1\n`))).toEqual([]);
    expect(failures(run(`${RETRANSMISSION}+.1~+.2 > P. 1:101(100) ack 1\n`))).toHaveLength(1);
  });

  it('may be off by what the mode allows', () => {
    const text = `--tolerance_usecs=50000\n${ACCEPT}${RETRANSMISSION}+.33 > P. 1:101(100) ack 1\n`;
    expect(runScript(text).status).toBe('failed');
    expect(runScript(text, { tolerance: 'script' }).status).toBe('passed');
    expect(runScript(text, { tolerance: 'original' }).status).toBe('passed');
    const plain = text.replace('--tolerance_usecs=50000\n', '');
    expect(runScript(plain, { tolerance: 'script' }).status).toBe('failed');
    expect(runScript(plain, { tolerance: 'original' }).status).toBe('passed'); // 12.5 % of 0.33 s
  });

  it('of blocking calls are judged as well', () => {
    const call = (until: string): string =>
      `+0...${until} read(4, ..., 10) = 5\n+.1 < P. 1:6(5) ack 1 win 257\n+0 > . 1:1(0) ack 6\n`;
    expect(failures(run(call('0.1')))).toEqual([]);
    expect(failures(run(call('0.2')))).toEqual([
      'time 8 the call returned at the wrong time: 0.2, 0.1 s early',
    ]);
    expect(failures(run('+0...0.1 read(4, ..., 10) = 5\n'))).toEqual(['call 8 the call did not return']);
    expect(failures(run('+0 read(4, ..., 10) = 5\n'))[0]).toContain('the call blocks: say until when');
  });
});

describe('packets too many and too few', () => {
  it('a packet that no line speaks of, at the end', () => {
    const result = run(WRITE);
    expect(failures(result)).toEqual(['unexpected - a packet that no line speaks of']);
    expect(result.failures[0]?.actual).toBe('P. 1:101(100) ack 1 win 1024');
  });

  it('one in front of an expected one: both are seen', () => {
    const result = run(
      `${WRITE}+.1 < . 1:1(0) ack 101 win 257\n+0 shutdown(4, SHUT_WR) = 0\n+0 > F. 101:101(0) ack 1\n`,
    );
    expect(failures(result)).toEqual(['unexpected - a packet that no line speaks of']);
  });

  it('one that does not come, in front of one that does', () => {
    const result = run(`${WRITE}+0 > . 1:1(0) ack 1\n+0 > P. 1:101(100) ack 1\n`);
    expect(failures(result)).toEqual(['missing 9 the packet did not come']);
  });

  it('are warnings where foreign scripts are run', () => {
    const result = runScript(ACCEPT + WRITE, { tolerance: 'original' });
    expect(result.status).toBe('passed');
    expect(result.warnings).toEqual(['no line speaks of > P. 1:101(100) ack 1 win 1024']);
  });

  it('a timer that goes off shortly after the last line is still seen', () => {
    const result = run('+.1 < P. 1:101(100) ack 1 win 257\n');
    expect(failures(result)).toEqual(['unexpected - a packet that no line speaks of']);
  });
});

describe('segments are joined', () => {
  const LARGE = '+0 write(4, ..., 2500) = 2500\n+.1 < . 1:1(0) ack 2001 win 257\n';

  it('up to the length of the line, unless it says otherwise', () => {
    expect(failures(run(`${LARGE}+0 > . 1:2001(2000) ack 1\n+0 > P. 2001:2501(500) ack 1\n`))).toContain(
      'time 10 sent at the wrong time: 0.1, 0.1 s early',
    );
    const strict = runScript(
      `--strict_segments\n${ACCEPT}+0 write(4, ..., 2000) = 2000\n+0 > P. 1:2001(2000) ack 1\n`,
    );
    expect(strict.status).toBe('failed');
    expect(failures(run('+0 write(4, ..., 2000) = 2000\n+0 > P. 1:2001(2000) ack 1\n'))).toEqual([]);
  });

  it('with the flags of the last one', () => {
    const result = run('+0 write(4, ..., 2000) = 2000\n+0 > . 1:2001(2000) ack 1\n');
    expect(fields(result)).toEqual(['flags']);
  });
});
