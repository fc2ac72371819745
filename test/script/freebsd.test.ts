import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseScript, runScript, script, type ScriptResult } from '../../script/script.ts';
import { runOnKernel } from '../../script/node/run-on-kernel.ts';
import { makePlan } from '../../script/run/plan.ts';
import { ms, seconds } from '../../stack/time.ts';
import type { Settings, TcpSettings } from '../../stack/settings.ts';

const CLOSE = '0 close(3) = -1 EBADF\n';

function planned(command: string): Settings {
  return makePlan(parseScript(`--profile=freebsd\n\`${command}\`\n${CLOSE}`)).settings;
}

function construct(result: ScriptResult): string | undefined {
  expect(result.status).toBe('unsupported');
  return result.unsupported?.construct;
}

describe('the profile freebsd', () => {
  it('has the figures of the table', () => {
    const { tcp } = makePlan(parseScript(`--profile=freebsd\n${CLOSE}`)).settings;
    expect(tcp).toMatchObject({
      initialRto: seconds(1),
      granularity: ms(200),
      synRetries: 5,
      delayedAck: ms(40),
      quickAcks: 0,
      keepAliveIdle: seconds(7_200),
      keepAliveInterval: seconds(75),
      keepAliveCount: 8,
      sendBuffer: { from: 32_768 },
      receiveBuffer: { from: 65_536, to: 2 ** 21 },
      timestamps: true,
      windowScaling: true,
      optionLayout: 'freebsd',
    });
  });

  it('is not run on a Linux kernel', async () => {
    expect(construct(await runOnKernel(`--profile=freebsd\n${CLOSE}`))).toBe(
      'the profile freebsd on a Linux kernel',
    );
  });

  it('says which profiles there are', () => {
    const [failure] = runScript(`--profile=openbsd\n${CLOSE}`).failures;
    expect(failure?.message).toBe("--profile is 'openbsd': use standard, linux, textbook, freebsd");
    expect(runScript(`--profile=toString\n${CLOSE}`).status).toBe('error');
  });
});

describe("FreeBSD's settings", () => {
  it.each<[string, Partial<TcpSettings>]>([
    ['net.inet.tcp.rfc1323=0', { timestamps: false, windowScaling: false }],
    ['net.inet.tcp.recvspace=20000', { receiveBuffer: { from: 20_000, to: 2 ** 21 } }],
    ['net.inet.tcp.recvspace=4000000', { receiveBuffer: { from: 4_000_000, to: 4_000_000 } }],
    ['net.inet.tcp.sendspace=9000', { sendBuffer: { from: 9_000, to: 2 ** 21 } }],
    [
      'kern.ipc.maxsockbuf=50000',
      { receiveBuffer: { from: 50_000, to: 50_000 }, sendBuffer: { from: 32_768, to: 50_000 } },
    ],
    ['net.inet.tcp.rexmit_initial=500', { initialRto: ms(500) }],
    ['net.inet.tcp.rexmit_min=50', { minRto: ms(50) }],
    ['net.inet.tcp.rexmit_slop=100', { granularity: ms(100), minRto: ms(100) }],
    ['net.inet.tcp.rexmit_slop=0', { granularity: ms(1), minRto: ms(30) }],
    ['net.inet.tcp.keepinit=75000', { synRetries: 5 }],
    ['net.inet.tcp.keepinit=63000', { synRetries: 5 }],
    ['net.inet.tcp.keepinit=62999', { synRetries: 4 }],
    ['net.inet.tcp.keepinit=1000', { synRetries: 0 }],
    ['net.inet.tcp.rexmit_initial=500 net.inet.tcp.keepinit=3500', { synRetries: 2 }],
    ['net.inet.tcp.keepidle=100', { keepAliveIdle: ms(100) }],
    ['net.inet.tcp.keepintvl=100', { keepAliveInterval: ms(100) }],
    ['net.inet.tcp.keepcnt=3', { keepAliveCount: 3 }],
    ['net.inet.tcp.delacktime=50', { delayedAck: ms(50) }],
    ['net.inet.tcp.msl=1000', { msl: seconds(1) }],
    ['net.inet.tcp.insecure_rst=0; sysctl -w net.inet.tcp.insecure_syn=0 net.inet.tcp.blackhole=0', {}],
  ])('%s', (assignments, tcp) => {
    expect(planned(`sysctl -w ${assignments}`).tcp).toMatchObject(tcp);
  });

  it.each([
    'insecure_rst=1',
    'insecure_syn=1',
    'blackhole=2',
    'ecn.enable=9',
    'rexmit_drop_options=1',
    'drop_synfin=1',
    'icmp_may_rst=0',
    'syncookies_only=1',
    'tolerate_missing_ts=1',
    'keepinit=900',
    'fastopen.client_enable=1',
    'udp_tunneling_port=9899',
  ])('%s is not supported, and named', (assignment) => {
    const result = runScript(`\`sysctl -w net.inet.tcp.${assignment}\`\n${CLOSE}`);
    expect(construct(result)).toBe(`the setting net.inet.tcp.${assignment}`);
  });

  it('what has no effect is said', () => {
    const result = runScript(`\`sysctl -w net.inet.tcp.hostcache.purgenow=1\`\n${CLOSE}`);
    expect(result.status).toBe('passed');
    expect(result.warnings).toEqual(['net.inet.tcp.hostcache.purgenow has no effect here']);
  });
});

describe('the two readings of a script', () => {
  const text = (profile: string): string =>
    `${profile}#ifdef STANDARD\n0 close(1) = 0\n#endif\n#ifdef FreeBSD\n0 close(2) = 0\n#else\n+0 close(3) = 0\n#endif\n`;
  const lines = (profile: string, options: Parameters<typeof parseScript>[1] = {}): string[] =>
    parseScript(text(profile), options).events.map((event) => event.text);

  it('are told apart by the profile, of the script or from outside', () => {
    const standard = ['0 close(1) = 0', '+0 close(3) = 0'];
    const freebsd = ['0 close(2) = 0'];
    expect(lines('')).toEqual(standard);
    expect(lines('--profile=standard\n')).toEqual(standard);
    expect(lines('--mtu=1500\n--profile=freebsd\n')).toEqual(freebsd);
    expect(lines('', { profile: 'freebsd' })).toEqual(freebsd);
    expect(lines('--profile=freebsd\n', { profile: 'standard' })).toEqual(standard);
    expect(lines('--profile=freebsd\n', { symbols: ['STANDARD'] })).toEqual(standard);
  });

  it('both hold, each under its profile', () => {
    const dialect = readFileSync(new URL('../scripts/freebsd/dialect.pkt', import.meta.url), 'utf8');
    const status = (profile: 'standard' | 'freebsd' | 'linux'): string =>
      runScript(dialect, { profile }).status;
    expect([status('freebsd'), status('standard'), status('linux')]).toEqual(['passed', 'passed', 'failed']);
  });

  it('also for scripts that a program makes', () => {
    const made = script().text('#ifdef FreeBSD\n0 close(3) = -1 EBADF\n#else\n0 close(3) = 0\n#endif');
    expect(made.run({ profile: 'freebsd' }).status).toBe('passed');
    expect(made.run().status).toBe('failed');
  });
});

describe("FreeBSD's forms", () => {
  const HANDSHAKE = `0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0.00 bind(3, ..., ...) = 0
+0.00 listen(3, 1) = 0
+0.00 < S 0:0(0) win 32768 <mss 1460>
+0.00 > S. 0:0(0) ack 1 win 65535 <mss 1460>
+0.05 < . 1:1(0) ack 1 win 32768
+0.00 accept(3, NULL, NULL) = 4
`;

  it.each([
    '+ 0.00 < (class 0x28, hlim 9) . 1:1(0) ack 1 win 100 < nop , nop , TS val  100 ecr  7! >',
    '+0 < [dscp 0x0a ecn ect0] . 1:1(0) ack 1 win 100 <nop, nop, TS val 1 ecr 0!>',
    '+0 < (dscp af43, ecn ce) . 1:1(0) ack 1 win 100',
    '+0 < icmp time_exceeded ttl_exceeded_in_transit [1:1(0)]',
    '+0 < icmp time_exceeded frag_reass_exceeded [1:1(0)]',
    '+0 < icmp source_quench [1:1(0)]',
    '+0 < icmp unreachable host_prohibited [1:1(0)]',
    '+0 < . 7:7(0)! ack 1 win 100',
    '+0.00 write(4, ..., 5) = 5\n+0.00 > P. ...(5) ack 1 win 65535',
    '+0 sendmsg(4, {msg_name(0)=NULL, msg_iov(1)=[{iov_base=..., iov_len=5}], msg_flags=0}, 0) = 5\n+0 > P. 1:6(5) ack 1',
  ])('%s', (lines) => {
    const result = runScript(`--profile=freebsd\n${HANDSHAKE}${lines}\n`);
    expect(result.failures.map(({ message }) => message)).toEqual([]);
    expect(result.status).toBe('passed');
  });

  it.each([
    ['+0 < . 1:1(0) ack 1 win 100 <md5 valid,nop,nop>', 'md5 valid'],
    ['+0 < . 1:1(0) ack 1 win 100 <nop,nop,TS val 1 ecr 0>/udp(9899 > 9899)', 'TCP in UDP'],
    ['+0 setsockopt(4, SOL_TCP, TCP_FASTOPEN, {enable=1, psk=...}, 8) = 0', 'socket option TCP_FASTOPEN'],
  ])('%s is not supported, and named', (line, name) => {
    expect(construct(runScript(`--profile=freebsd\n${HANDSHAKE}${line}\n`))).toBe(name);
  });
});
