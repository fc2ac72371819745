import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  checkText,
  formatText,
  parseScript,
  runScript,
  scriptCapture,
  scriptFromCapture,
} from '../../script/script.ts';

const LOST = new Uint8Array(readFileSync(new URL('../../captures/lost-segment.pcapng', import.meta.url)));
const LISTEN = `0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 < S 0:0(0) win 32792 <mss 1000,nop,wscale 7>
+0 > S. 0:0(0) ack 1 <mss 1460,nop,wscale 7>
+.1 < . 1:1(0) ack 1 win 257
+0 accept(3, ..., ...) = 4
`;

/** Runs a script that passes, makes a script from its capture, runs that. */
function again(text: string, side: string = 'server'): { readonly made: string; readonly failures: unknown } {
  const result = runScript(text);
  expect(result.failures).toEqual([]);
  const made = scriptFromCapture(scriptCapture(result), { side });
  return { made, failures: runScript(made).failures };
}

describe('scripts from captures', () => {
  it('the server of lost-segment.pcapng: one difference, as its program closed before the ACK left', () => {
    const text = scriptFromCapture(LOST, { name: 'lost-segment.pcapng', profile: 'textbook' });
    expect(checkText(text)).toBeUndefined();
    expect(text).toContain('+0 > S. 0:0(0) ack 1 win * <mss 1460,nop,wscale 5,nop,nop,TS val 1000 ecr 1000>');
    expect(text).toContain('+0 accept(3, ..., ...) = 4');
    const result = runScript(text);
    expect(result.failures.map(({ kind, actual }) => ({ kind, actual }))).toEqual([
      { kind: 'unexpected', actual: '. 1:1(0) ack 12002 win 3856 <nop,nop,TS val 1080 ecr 1080>' },
    ]);
    expect(runScript(text, { tolerance: 'original' }).status).toBe('passed');
    const ack = '+0 > . 1:1(0) ack 12002 win * <nop,nop,TS val 1080 ecr 1080>';
    const mended = text.replace('+0 read(4, ..., 7656)', `${ack}\n+0 read(4, ..., 7656)`);
    expect(runScript(mended).failures).toEqual([]);
  });

  it("its client: says what the capture, which is the server's, cannot show", () => {
    const text = scriptFromCapture(LOST, { side: 'client', profile: 'textbook' });
    expect(checkText(text)).toBeUndefined();
    expect(text).toContain('// Note: captured at the other side, so times are those of there.');
    expect(text).toContain('// bytes 4345 to 5792 left before this and are not in the capture');
    expect(text).toContain('+0.04 write(3, ..., 12000) = 12000\n+0 close(3) = 0\n');
  });

  it('round trip: requests, answers in bursts, the peer closes first', () => {
    const { made, failures } = again(`${LISTEN}+.1 < P. 1:101(100) ack 1 win 257
+0 > . 1:1(0) ack 101
+0 read(4, ..., 1000) = 100
+.02 write(4, ..., 2000) = 2000
+0 > P. 1:2001(2000) ack 101
+.1 < . 101:101(0) ack 2001 win 257
+.1 write(4, ..., 10) = 10
+0 > P. 2001:2011(10) ack 101
+.1 < F. 101:101(0) ack 2011 win 257
+0~+.05 > . 2011:2011(0) ack 102
+.1 close(4) = 0
+0 > F. 2011:2011(0) ack 102
+.1 < . 102:102(0) ack 2012 win 257
`);
    expect(failures).toEqual([]);
    expect(made).toContain('+0.02 write(4, ..., 2000) = 2000');
    expect(made).toContain('> P. 2001:2011(10) ack 101 win *');
    expect(made).toContain('read(4, ..., 100) = 100');
  });

  it('round trip: abort', () => {
    const { made, failures } = again(`${LISTEN}+.1 < P. 1:101(100) ack 1 win 257
+0 > . 1:1(0) ack 101
+.1 close(4) = 0
+0 > R. 1:1(0) ack 101
`);
    expect(failures).toEqual([]);
    expect(made).toContain('SO_LINGER, {onoff=1, linger=0}');
  });

  it('round trip: active open, shutdown, data afterwards', () => {
    const { made, failures } = again(
      `\`sysctl -q net.ipv4.tcp_timestamps=0 net.ipv4.tcp_sack=0\`
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0...0.1 connect(3, ..., ...) = 0
+0 > S 0:0(0) <mss 1460,nop,wscale 7>
+.1 < S. 0:0(0) ack 1 win 65535 <mss 1460,nop,wscale 7>
+0 > . 1:1(0) ack 1
+.01 write(3, ..., 100) = 100
+0 > P. 1:101(100) ack 1
+.1 < . 1:1(0) ack 101 win 512
+0 shutdown(3, SHUT_WR) = 0
+0 > F. 101:101(0) ack 1
+.1 < P. 1:51(50) ack 102 win 512
+0 > . 102:102(0) ack 51
+0 read(3, ..., 50) = 50
+.1 < F. 51:51(0) ack 102 win 512
+0 > . 102:102(0) ack 52
+.1 close(3) = 0
`,
      'client',
    );
    expect(failures).toEqual([]);
    expect(made).toContain('shutdown(3, SHUT_WR) = 0');
    expect(made).toContain('+0...0.1 connect(3, ..., ...) = 0');
  });

  it('says which flows there are, and what is wrong with the side', () => {
    expect(() => scriptFromCapture(LOST, { flow: 2 })).toThrow('there are 1: 10.0.0.1:52437 > 10.0.0.2:80');
    expect(() => scriptFromCapture(LOST, { side: 'left' })).toThrow('no such flow');
    expect(scriptFromCapture(LOST, { side: '10.0.0.1:52437' })).toContain('// Expected: the client.');
  });
});

describe('formatText', () => {
  it('keeps comments and blank lines', () => {
    const text = `// What it shows [RFC 9293].


--mtu=1500   // small
0    socket(...,   SOCK_STREAM, IPPROTO_TCP)=3 // "not a text"

/* two
   lines */
+0   bind(3, ..., ...) = 0
+.50 %{ # a comment of the code
print("// not one") }%
// the end
`;
    const formatted = formatText(text);
    expect(formatted).toBe(`// What it shows [RFC 9293].

--mtu=1500  // small
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3  // "not a text"

/* two
   lines */
+0 bind(3, ..., ...) = 0
+0.5 %{ # a comment of the code
print("// not one") }%
// the end
`);
    expect(formatText(formatted)).toBe(formatted);
  });

  it('refuses what it would lose', () => {
    expect(() => formatText('#ifdef A\n#endif\n0 close(3) = 0\n')).toThrow('#ifdef');
    expect(() => formatText('--define=N=3\n0 close(N) = 0\n')).toThrow('--define');
    expect(() => formatText('0 close(\n')).toThrow();
  });

  it('all our scripts: idempotent, the same events, no comment lost', () => {
    const folder = new URL('../scripts', import.meta.url).pathname;
    const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.pkt'),
    );
    let formattedScripts = 0;
    for (const name of names) {
      const text = readFileSync(join(folder, name), 'utf8');
      if (/^#(ifdef|ifndef)|--define/m.test(text)) continue;
      const formatted = formatText(text);
      expect(formatText(formatted), name).toBe(formatted);
      expect(parseScript(formatted).events.length, name).toBe(parseScript(text).events.length);
      const comments = (script: string): string[] => script.match(/\/\/ .*$/gm) ?? [];
      expect(comments(formatted), name).toEqual(comments(text).map((found) => found.trimEnd()));
      formattedScripts += 1;
    }
    expect(formattedScripts).toBeGreaterThan(100);
  });
});
