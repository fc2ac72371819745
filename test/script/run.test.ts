import { describe, expect, it } from 'vitest';
import { ms, seconds } from '../../stack/time.ts';
import { checkText, runScript, script, type ScriptResult } from '../../script/script.ts';
import { parseScript } from '../../script/language/parse-script.ts';
import { makePlan } from '../../script/run/plan.ts';

const LISTEN = `0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 5) = 0
`;
const ACCEPT = `${LISTEN}+0 < S 0:0(0) win 32792 <mss 1000,nop,wscale 7>
+0 > S. 0:0(0) ack 1 <mss 1460,nop,wscale 7>
+.1 < . 1:1(0) ack 1 win 257
+0 accept(3, ..., ...) = 4
`;

function unsupported(text: string): string | undefined {
  const result = runScript(text);
  expect(result.status).toBe('unsupported');
  return `${result.unsupported?.position.line} ${result.unsupported?.construct}`;
}

function problems(result: ScriptResult): string[] {
  return result.failures.map(({ message }) => message);
}

describe('what cannot be run is said, never passed over', () => {
  it.each([
    ['--ip_version=ipv6\n0 < icmp source_quench', '2 icmp source_quench over IPv6'],
    ['0 < icmp packet_too_big mtu 1400 [1:2(1)]', '1 icmp packet_too_big over IPv4'],
    [
      '--ip_version=ipv6\n0 < [badipsum] . 1:1(0) win 5',
      '2 badipsum over IPv6, whose header has no checksum',
    ],
    ['0 > [flowlabel 0x1] . 1:1(0)', '1 flow labels over IPv4'],
    ['--ip_version=ipv6\n--local_ip=10.0.0.1\n0 close(3) = 0', '2 --local_ip=10.0.0.1 over IPv6'],
    [
      '--ip_version=ipv6\n0 setsockopt(3, SOL_IP, IP_TOS, [1], 4) = 0',
      '2 socket options of level SOL_IP over IPv6',
    ],
    ['0 setsockopt(3, SOL_IPV6, IPV6_TCLASS, [1], 4) = 0', '1 socket options of level SOL_IPV6 over IPv4'],
    [
      '--ip_version=ipv6\n`sysctl -q net.ipv4.ip_default_ttl=3`\n0 close(3) = 0',
      '2 the setting net.ipv4.ip_default_ttl over IPv6',
    ],
    ['0 close(3) = -1 EBADF\n+0 splice(3, 4) = 0', '2 system call splice'],
    ['0 setsockopt(3, SOL_TCP, TCP_CORK, [1], 4) = 0', '1 socket option TCP_CORK'],
    ['0 setsockopt(3, SOL_TCP, TCP_WHAT, [1], 4) = 0', '1 the word TCP_WHAT'],
    [`${ACCEPT}+0 send(4, ..., 10, MSG_MORE) = 10`, '8 flags 0x8000 of send'],
    ['0 %{ assert tcpi_what == 0 }%', '1 the name tcpi_what'],
    ['`iptables -F`\n0 close(3) = 0', "1 the command 'iptables'"],
    ['`sysctl -q net.ipv4.tcp_what=1`\n0 close(3) = 0', '1 the setting net.ipv4.tcp_what'],
    ['`sysctl -q net.ipv4.tcp_ecn=4`\n0 close(3) = 0', '1 the setting net.ipv4.tcp_ecn=4'],
    ['0 close(3) = -1 EBADF\n+0 `true`', '2 a command in the middle of a script: settings come first'],
    ['0 > ipv4 1.2.3.4 > 5.6.7.8: . 1:1(0)', '1 encapsulation ipv4'],
    ['0 < . 1:1(0) win 5/udp(1 > 2)', '1 TCP in UDP'],
    ['0 socket(1, SOCK_STREAM, 0) = 3', '1 sockets other than AF_INET and AF_INET6'],
    [
      '0 recvmsg(3, {msg_name(...)=..., msg_iov(1)=[{..., 9}], msg_flags=0, msg_control=[]}, 0) = 9',
      '1 control messages (msg_control)',
    ],
    ['0 socket(..., SOCK_DGRAM, IPPROTO_UDP) = 3', '1 sockets other than SOCK_STREAM'],
  ])('%j', (text, said) => {
    expect(unsupported(text)).toBe(said);
  });

  it('before anything is run', () => {
    expect(unsupported(`${ACCEPT}+0 > . 5:5(0)\n+0 splice(1) = 0`)).toBe('9 system call splice');
    expect(checkText(`${LISTEN}+0 splice(1) = 0`)).toBe(':4:4 not supported: system call splice');
    expect(checkText('0 foo')).toBe(":1:6 expected '(' behind foo, found the end of the script");
    expect(checkText(ACCEPT)).toBeUndefined();
  });

  it('a mistake in a script is an error, with its place', () => {
    const result = runScript('0 close(3) = 0\n+0 >\n');
    expect(result.status).toBe('error');
    expect(result.failures[0]?.position).toEqual({ line: 3, column: 1 });
    const echo = runScript(`${LISTEN}+0 < . 1:1(0) ack 1 win 5 <TS val 1 ecr 7,nop,nop>`);
    expect(echo.status).toBe('error');
    expect(problems(echo)[0]).toContain('ecr 7 is no TS val that was expected before');
  });
});

describe('settings', () => {
  it('come from profile, script and caller, in this order', () => {
    const text =
      '--profile=standard\n`sysctl -q net.ipv4.tcp_timestamps=0 net.ipv4.tcp_keepalive_time=10`\n0 close(3) = 0';
    const plan = makePlan(parseScript(text), { settings: { tcp: { keepAliveIdle: seconds(20) } } });
    expect(plan.settings.tcp.timestamps).toBe(false);
    expect(plan.settings.tcp.keepAliveIdle).toBe(seconds(20));
    expect(plan.settings.tcp.minRto).toBe(seconds(1));
    expect(makePlan(parseScript(text), { profile: 'linux' }).settings.tcp.minRto).toBe(ms(200));
  });

  it('several in a line, in quotes, by either dialect', () => {
    const text =
      '`sysctl -q net.ipv4.tcp_rmem="4096 5000 6000" net/ipv4/tcp_syn_retries=3 > /dev/null; sysctl -w net.inet.tcp.delacktime=50`\n0 close(3) = 0';
    const { tcp } = makePlan(parseScript(text)).settings;
    expect(tcp.receiveBuffer).toEqual({ from: 5_000, to: 6_000 });
    expect(tcp.synRetries).toBe(3);
    expect(tcp.delayedAck).toBe(ms(50));
  });

  it('of addresses and ports', () => {
    const text = `--local_ip=10.0.0.1
--remote_ip=10.0.0.2/24
--bind_port=99
--mtu=1000
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 5) = 0
+0 < S 0:0(0) win 5
+0 > 99 > 40001 S. 0:0(0) ack 1 <mss 960>
`;
    expect(problems(runScript(text))).toEqual([]);
  });
});

describe('several connections', () => {
  it('are told apart by names or by ports', () => {
    const text = `${LISTEN}+0 < conn a S 100:100(0) win 1000
+0 < conn b S 200:200(0) win 1000
+0 > conn b S. 0:0(0) ack 201 <mss 1460>
+0 > conn a S. 0:0(0) ack 101 <mss 1460>
+0 < 5555 > 8080 S 300:300(0) win 1000
+0 > 8080 > 5555 S. 7:7(0) ack 301 <mss 1460>
+0 < conn a . 1:1(0) ack 1 win 1000
+0 < 5555 > 8080 . 1:1(0) ack 1 win 1000
+0 accept(3, ..., ...) = 4
+0 accept(3, ..., ...) = 5
+0 write(5, ..., 9) = 9
+0 > 8080 > 5555 P. 1:10(9) ack 1
+0 > conn a P. 1:10(9) ack 1
`;
    const [first] = runScript(text).failures;
    expect(first?.kind).toBe('missing');
    expect(first?.expected).toBe('+0 > conn a P. 1:10(9) ack 1');
    // The first one that was established is accepted first.
    const right = text.replace('+0 > conn a P. 1:10(9) ack 1\n', '').replace('write(5', 'write(4');
    expect(problems(runScript(right.replace('> 8080 > 5555 P.', '> conn a P.')))).toEqual([]);
  });
});

describe('the same script', () => {
  it('gives the same bytes with the same seed, and others with another', () => {
    const bytes = (seed: number): string =>
      runScript(ACCEPT, { seed })
        .packets.map((each) => each.bytes.join())
        .join('|');
    expect(bytes(1)).toBe(bytes(1));
    expect(bytes(1)).not.toBe(bytes(2));
  });

  it('takes no time for hours', () => {
    const text = `${ACCEPT}+0 setsockopt(4, SOL_SOCKET, SO_KEEPALIVE, [1], 4) = 0\n+7200 > . 0:0(0) ack 1\n`;
    const result = runScript(text);
    expect(problems(result)).toEqual([]);
    expect(result.duration).toBe(7_200_150_000);
  });

  it('keeps the trace if asked', () => {
    expect(runScript(ACCEPT, { trace: true }).trace.some(({ type }) => type === 'state')).toBe(true);
    expect(runScript(ACCEPT).trace).toEqual([]);
  });
});

describe('the builder', () => {
  it('makes scripts with loops', () => {
    const made = script().sysctl('net.ipv4.tcp_timestamps=0').text(ACCEPT);
    for (let at = 1; at <= 501; at += 100) {
      made
        .call('write(4, ..., 100) = 100', 0.01)
        .expect(`P. ${at}:${at + 100}(100) ack 1`)
        .inject(`. 1:1(0) ack ${at + 100} win 257`);
    }
    made
      .code('assert tcpi_unacked == 0')
      .call('read(4, ..., 5) = 5', 0, 0.1)
      .inject('P. 1:6(5) ack 601 win 257', 0.1);
    expect(problems(made.expect('. 601:601(0) ack 6', '+0~+.05').run())).toEqual([]);
    expect(made.toString().split('\n')).toHaveLength(32);
  });

  it('begins at 0', () => {
    expect(script().call('close(3) = -1 EBADF').inject('S 0:0(0) win 0', 0.25).toString()).toBe(
      '0 close(3) = -1 EBADF\n+0.25 < S 0:0(0) win 0\n',
    );
  });
});
