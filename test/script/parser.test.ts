import { describe, expect, it } from 'vitest';
import { formatEvent, formatScript } from '../../script/language/format.ts';
import { parseScript } from '../../script/script.ts';

/** The events of a script, written back. */
function events(text: string): string[] {
  return parseScript(text).events.map(formatEvent);
}

/** The message and place of the mistake in `text`. */
function mistake(text: string): string {
  try {
    parseScript(text);
  } catch (error) {
    if (error instanceof Error && 'position' in error) {
      const { line, column } = error.position as { line: number; column: number };
      return `${line}:${column} ${error.message}`;
    }
    throw error;
  }
  return 'none';
}

describe('the parser', () => {
  it('reads all forms of the language, and writes them back the same', () => {
    const text = `
--ip_version=ipv4
--tcp_ts_tick_usecs=1000   // a comment
\`sysctl -q net.ipv4.tcp_sack=0
 sysctl -q net.ipv4.tcp_ecn=0\`
0   socket(..., SOCK_STREAM, IPPROTO_TCP) = 7
+.25...0.300 connect(7, ..., ...) = 0
+0  > S 5000:5000(0) <mss 1460,sackOK,TS val 900 ecr 0,nop,wscale 8>
+ .05 < S. 70000:70000(0) ack 5001 win 28960
        <mss 1400,sackOK,TS val 33 ecr 900, nop, wscale 3>
+0  >[ect0] P.5 1:301(300) ack 1 <nop,nop,TS val 1050 ecr 33>
.5~1.5 > F. *(0) ack * win 5~9 <{mss 1000~1460,TS val * ecr *}>
*   > (tos 0x10, ttl 64) conn b 8080 > 40000 . 1:1(0) ack 1 urg 3 <...>
+0  < - 1:1(0) win 0 <sack 10:20 30:40,nop,nop>
+0  < R. 5:5(0)! ack 9 win 0 <TS val 5 ecr 7!,nop,nop>
+0  < icmp unreachable frag_needed mtu 1400 [1:1001(1000)]
+0  < udp 5 > 6 (100)
+0  < raw "45 00 00 14"
+0  poll([{fd=4, events=POLLIN|POLLOUT, revents=POLLOUT}], 1, -1) = 1
+0  sendmsg(4, {msg_name(...)=..., msg_iov(2)=[{..., 10}, {..., 5}], msg_flags=0}, MSG_MORE) = 15
+0  fcntl(3, F_GETFL) = 0x2 (flags O_RDWR)
+0  read(4, ..., 10) = -1 EAGAIN (Resource temporarily unavailable) (a note)
+0  %{ assert tcpi_retrans >= 1, tcpi_retrans }%
\`rm nothing\`
`;
    const script = parseScript(text);
    expect(script.options.map(({ name, value }) => [name, value])).toEqual([
      ['ip_version', 'ipv4'],
      ['tcp_ts_tick_usecs', '1000'],
    ]);
    expect(script.init?.command).toContain('tcp_ecn=0');
    expect(script.cleanup?.command).toBe('rm nothing');
    expect(script.events.map(formatEvent)).toMatchInlineSnapshot(`
      [
        "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 7",
        "+0.25...0.3 connect(7, ..., ...) = 0",
        "+0 > S 5000:5000(0) <mss 1460,sackOK,TS val 900 ecr 0,nop,wscale 8>",
        "+0.05 < S. 70000:70000(0) ack 5001 win 28960 <mss 1400,sackOK,TS val 33 ecr 900,nop,wscale 3>",
        "+0 > [ect0] PEA. 1:301(300) ack 1 <nop,nop,TS val 1050 ecr 33>",
        "0.5~1.5 > F. *(0) ack * win 5~9 <{mss 1000~1460,TS val * ecr *}>",
        "* > [tos 0x10, ttl 64] conn b 8080 > 40000 . 1:1(0) ack 1 urg 3 <...>",
        "+0 < - 1:1(0) win 0 <sack 10:20 30:40,nop,nop>",
        "+0 < R. 5:5(0)! ack 9 win 0 <TS val 5 ecr 7!,nop,nop>",
        "+0 < icmp unreachable frag_needed mtu 1400 [1:1001(1000)]",
        "+0 < udp 5 > 6 (100)",
        "+0 < raw "45000014"",
        "+0 poll([{fd=4, events=POLLIN|POLLOUT, revents=POLLOUT}], 1, -1) = 1",
        "+0 sendmsg(4, {msg_name(...)=..., msg_iov(2)=[{..., 10}, {..., 5}], msg_flags=0}, MSG_MORE) = 15",
        "+0 fcntl(3, F_GETFL) = 0x2",
        "+0 read(4, ..., 10) = -1 EAGAIN",
        "+0 %{ assert tcpi_retrans >= 1, tcpi_retrans }%",
      ]
    `);
    const written = formatScript(script);
    expect(formatScript(parseScript(written))).toBe(written);
  });

  it('knows where each event begins', () => {
    const script = parseScript('0 socket(..., SOCK_STREAM, 0) = 3\n\n  +.1   < S 0:0(0) win 5\n');
    expect(script.events.map(({ position }) => position)).toEqual([
      { line: 1, column: 3 },
      { line: 3, column: 9 },
    ]);
  });

  it('takes times by their digits, to the microsecond', () => {
    const times = parseScript(
      '0 close(1) = 0 +.000001 close(1) = 0 +1.1 close(1) = 0 17.300003 close(1) = 0',
    ).events;
    expect(times.map(({ time }) => (time.kind === 'any' ? undefined : time.from))).toEqual([
      0, 1, 1_100_000, 17_300_003,
    ]);
  });

  it('puts in what was defined, in the file or outside', () => {
    const text = '--define=LEN=10\n0 write(FD, ..., LEN) = LEN // LEN stays\n';
    expect(parseScript(text, { defines: { FD: '4' } }).events.map(formatEvent)).toEqual([
      '0 write(4, ..., 10) = 10',
    ]);
  });

  it('leaves out what #ifdef leaves out, lines unmoved', () => {
    const text =
      '0 close(1) = 0\n#ifdef FreeBSD\n+0 close(2) = 0\n#else\n+0 close(3) = 0\n#endif\n+0 close(4) = 0\n';
    expect(events(text)).toEqual(['0 close(1) = 0', '+0 close(3) = 0', '+0 close(4) = 0']);
    expect(parseScript(text).events[2]?.position.line).toBe(7);
    const other = parseScript(text, { symbols: ['FreeBSD'] });
    expect(other.events.map(formatEvent)[1]).toBe('+0 close(2) = 0');
  });
});

describe('mistakes', () => {
  it.each([
    ['+1 close(3) = 0', '1:1 the first event has to be at time 0'],
    ['0 < S 0:0(0)', '1:13 an inbound packet needs its window: win N'],
    ['0 > S 0:5(0)', '1:7 0 and 0 bytes make 0, not 5: end = start + length'],
    [
      '0 > S 0:0(0) <mss 5,wscale 3>',
      '1:14 these options take 7 bytes: pad them with nop to a multiple of 4',
    ],
    ['0 > S 0:0(0) <mss 5,foo>', "1:21 'foo' is no TCP option"],
    ['0 > SS 0:0(0)', '1:5 the flag S is there twice'],
    ['0 > E5 0:0(0)', '1:5 the ACE digit stands for E, W and A'],
    ['0 > X 0:0(0)', "1:5 expected TCP flags out of F S R P U E W A and . (- for none), found 'X 0:0(0)'"],
    ['0 < S 0:0(0) win 1 <...>', '1:20 <...> is for outbound packets'],
    ['0~1 close(3) = 0', '1:1 a window or * as time is for outbound packets'],
    ['0 > . 1:1(0)\n-1 close(3) = 0', '2:1 time cannot be negative'],
    ['0 close(3) = 0\n2 close(3) = 0\n1 close(3) = 0', '3:1 time goes back: 1000000 µs after 2000000 µs'],
    ['0 close(3)', "1:11 expected '=' and the result behind close(...), found the end of the script"],
    ['0 close(3', "1:10 expected ',' between the arguments of close"],
    ['0 %{ assert 1', '1:5 this code block has no end: write }% behind it'],
    ['/* no end\n0 close(3) = 0', '1:1 this comment has no end'],
    ['0 .5', '1:3 expected a packet (< or >), a system call'],
    ['0 icmp', "1:7 expected '(' behind icmp"],
    ['0 < icmp unreachable nowhere', "'nowhere' is no code of ICMP unreachable"],
    ['0 < (foo) S 0:0(0) win 1', "1:6 'foo' is no IP field"],
    ['#endif', '1:1 #endif has no #ifdef in front of it'],
    ['0 +0.1234567 close(3) = 0', '1:3 expected a packet'],
    ['0.1234567 close(3) = 0', '1:1 a time has at most six decimals'],
  ])('%j', (text, message) => {
    expect(mistake(text)).toContain(message);
  });
});
