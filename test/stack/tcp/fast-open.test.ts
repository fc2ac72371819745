import { expect, it } from 'vitest';
import { Bench } from './harness.ts';
import { fastOpenOf, withFastOpen } from '../../../stack/tcp/fast-open.ts';
import { seconds } from '../../../stack/time.ts';
import { options } from '../../../stack/wire/tcp-options.ts';
import { stream } from './words.ts';

const COOKIE = '1122334455667788';
const KEY = 'a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4';

/** A client that got a cookie on its first connection, which is gone. */
function withCookie(
  options: ConstructorParameters<typeof Bench>[0] = {},
  cookie: string = `34:${COOKIE}`,
): Bench {
  const bench = new Bench(options).connect({});
  bench.arrives(`<SEQ=0><ACK=1><CTL=SYN,ACK><MSS=1000><OPT=${cookie}>`);
  return again(bench);
}

/** The connection goes, with what it told. */
function again(bench: Bench): Bench {
  bench.does((connection) => connection.abort()).ignore();
  bench.told.length = 0;
  return bench;
}

/** The peer, as a client, asks a listener for its cookie. */
function cookieOf(bench: Bench): string {
  bench.arrives('<SEQ=0><CTL=SYN><MSS=1460><OPT=34:>');
  const option = fastOpenOf(bench.sent()[0]?.header.options ?? expect.fail('no SYN-ACK'));
  bench.arrives('<SEQ=1><CTL=RST>').ignore();
  bench.told.length = 0;
  return [...(option?.cookie ?? [])].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** The next SYN of a listener's peer comes from this port, and `bench.connection` is what it makes. */
function fresh(bench: Bench): Bench {
  bench.connection = undefined as unknown as Bench['connection'];
  return bench;
}

it('asks for a cookie with the first SYN, and sends its data after the handshake [RFC 7413 4.2.1]', () => {
  const bench = new Bench().connect({ data: stream(1, 100) });
  bench.sends('<SEQ=0><CTL=SYN><FO=>');
  bench.arrives(`<SEQ=0><ACK=1><CTL=SYN,ACK><MSS=1000><OPT=34:${COOKIE}>`);
  bench.sends('<SEQ=1><ACK=1><CTL=ACK><DATA=100>');
  again(bench)
    .connect({ data: stream(1, 10) })
    .sends(`<SEQ=0><CTL=SYN><DATA=10><FO=${COOKIE}>`);
});

it('sends data with the SYN, and the rest after the SYN-ACK that acknowledges it [RFC 7413 4.2.2]', () => {
  const bench = withCookie().connect({ data: stream(1, 1500) });
  bench.sends(`<SEQ=0><CTL=SYN><DATA=960><FO=${COOKIE}>`); // the MSS of last time, less the largest options
  bench.arrives('<SEQ=0><ACK=961><CTL=SYN,ACK><MSS=1000>').sends('<SEQ=961><ACK=1><CTL=ACK><DATA=540>');
  bench.arrives('<SEQ=1><ACK=1501><CTL=ACK>').sends();
  expect(bench.connection.bytesQueued).toBe(0);
});

it('sends what a program writes in the same turn with the SYN [RFC 7413 A.1]', () => {
  const bench = withCookie();
  bench.connect({ data: stream(1, 5) }).sends(`<SEQ=0><CTL=SYN><DATA=5><FO=${COOKIE}>`);
});

it('sends the data again, in the first ACK, when the server took only the SYN [RFC 7413 4.2.2]', () => {
  const bench = withCookie()
    .connect({ data: stream(1, 700) })
    .ignore();
  bench.arrives(`<SEQ=0><ACK=1><CTL=SYN,ACK><MSS=1000><OPT=34:ffffffffffffffff>`);
  bench.sends('<SEQ=1><ACK=1><CTL=ACK><DATA=700>');
  again(bench)
    .connect({ data: stream(1, 1) })
    .sends('<SEQ=0><CTL=SYN><DATA=1><FO=ffffffffffffffff>');
});

it('sends again what of the data the server did not take [RFC 7413 4.2.2]', () => {
  const bench = withCookie()
    .connect({ data: stream(1, 700) })
    .ignore();
  bench.arrives('<SEQ=0><ACK=301><CTL=SYN,ACK><MSS=1000>').sends('<SEQ=301><ACK=1><CTL=ACK><DATA=400>');
});

it('takes no ACK for more than the SYN carried [RFC 9293 3.10.7.3]', () => {
  const bench = withCookie()
    .connect({ data: stream(1, 100) })
    .ignore();
  bench.arrives('<SEQ=0><ACK=102><CTL=SYN,ACK><MSS=1000>').sends('<SEQ=102><CTL=RST>');
  expect(bench.state).toBe('SYN-SENT');
});

it('repeats a SYN without data and option, takes an ACK of the first one yet, and rests a while [RFC 7413 4.2.2, 4.1.3.1]', () => {
  const bench = withCookie()
    .connect({ data: stream(1, 100) })
    .ignore();
  bench.sendsAt(1_000, '<SEQ=0><CTL=SYN><FO=none>');
  bench.arrives('<SEQ=0><ACK=101><CTL=SYN,ACK><MSS=1000>').sends('<SEQ=101><ACK=1><CTL=ACK>');
  again(bench)
    .connect({ data: stream(1, 100) })
    .sends(`<SEQ=0><CTL=SYN><DATA=100><FO=${COOKIE}>`); // it was taken after all
  bench.wait(1_000).sends('<SEQ=0><CTL=SYN><FO=none>');
  bench.arrives('<SEQ=0><ACK=1><CTL=SYN,ACK><MSS=1000>').sends('<SEQ=1><ACK=1><CTL=ACK><DATA=100>');
  again(bench)
    .connect({ data: stream(1, 100) })
    .sends('<SEQ=0><CTL=SYN><FO=none>');
});

it('tries a path again after a minute, then after two, when it swallows data in SYNs [RFC 7413 4.1.3.1]', () => {
  const bench = withCookie();
  for (const wait of [60_000, 120_000, 240_000]) {
    bench.connect({ data: stream(1, 10) }).sends(`<SEQ=0><CTL=SYN><DATA=10><FO=${COOKIE}>`);
    bench.wait(1_000).sends('<SEQ=0><CTL=SYN><FO=none>');
    again(bench.arrives('<SEQ=0><ACK=1><CTL=SYN,ACK><MSS=1000>'));
    again(
      bench
        .wait(wait - 2)
        .connect({ data: stream(1, 10) })
        .sends('<SEQ=0><CTL=SYN><FO=none>'),
    );
    bench.wait(2);
  }
});

it('rests after a connect that nobody answered [RFC 7413 4.1.3.1]', () => {
  const bench = withCookie().connect({ data: stream(1, 10) });
  bench.wait(400_000).ignore();
  expect(bench.told).toContain('closed timeout');
  bench.connect({ data: stream(1, 10) }).sends(`<SEQ=0><CTL=SYN><DATA=10><FO=${COOKIE}>`); // 255 s have gone by
  const short = withCookie({ tcp: { synRetries: 1 } }).connect({ data: stream(1, 10) });
  short
    .wait(4_000)
    .ignore()
    .connect({ data: stream(1, 10) })
    .sends('<SEQ=0><CTL=SYN><FO=none>');
});

it('rests when nothing is acknowledged after a handshake with data [RFC 7413 4.1.3.1]', () => {
  const bench = withCookie({ tcp: { r1: 3 } })
    .connect({ data: stream(1, 10) })
    .ignore();
  bench.arrives('<SEQ=0><ACK=11><CTL=SYN,ACK><MSS=1000>');
  bench.written = 11;
  bench.write(10).wait(20_000).ignore();
  again(bench)
    .connect({ data: stream(1, 10) })
    .sends('<SEQ=0><CTL=SYN><FO=none>');
});

it('asks in the experimental encoding when the standard one brought nothing, then not for a while [RFC 7413 4.2.1, 9]', () => {
  const bench = new Bench().connect({}).sends('<SEQ=0><CTL=SYN><FO=>');
  again(bench.arrives('<SEQ=0><ACK=1><CTL=SYN,ACK><MSS=1000>'));
  bench.connect({}).sends('<SEQ=0><CTL=SYN><FO=exp>');
  again(bench.arrives('<SEQ=0><ACK=1><CTL=SYN,ACK><MSS=1000>'));
  again(bench.connect({}).sends('<SEQ=0><CTL=SYN><FO=none>'));
  bench.wait(60_000).connect({}).sends('<SEQ=0><CTL=SYN><FO=>');
});

it('uses a cookie in the encoding in which it came [RFC 7413 9]', () => {
  const bench = withCookie({}, `254:f989${COOKIE}`).connect({ data: stream(1, 4) });
  bench.sends(`<SEQ=0><CTL=SYN><DATA=4><FO=exp${COOKIE}>`);
});

it('leaves Fast Open out when its option does not fit [RFC 7413 4.2.2]', () => {
  const full = { mss: 1_460, windowScale: 7, sackPermitted: true, timestamps: { value: 1, echo: 0 } };
  const cookie = new Uint8Array(16);
  const fits = (experimental: boolean, layout: 'standard' | 'linux'): boolean =>
    withFastOpen(options(full), { cookie, experimental }, layout) !== undefined;
  expect(fits(false, 'linux')).toBe(true); // 20 of the others, 18 and padding: 40
  expect(fits(true, 'linux')).toBe(true);
  expect(fits(false, 'standard')).toBe(false); // 24 of the others
});

it('sends data without a cookie if it is told to [RFC 7413 4.2.2]', () => {
  const bench = new Bench().connect({ cookie: false, data: stream(1, 600) });
  bench.sends('<SEQ=0><CTL=SYN><DATA=496><FO=none>'); // the default MSS, less the largest options
});

it('opens simultaneously with data in the SYN [RFC 7413 4.2.2]', () => {
  const bench = withCookie()
    .connect({ data: stream(1, 50) })
    .ignore();
  bench.arrives('<SEQ=0><CTL=SYN><MSS=1000><DATA=20>').sends('<SEQ=0><ACK=1><CTL=SYN,ACK>');
  bench.arrives('<SEQ=0><ACK=51><CTL=SYN,ACK><MSS=1000>').sends('<SEQ=51><ACK=21><CTL=ACK>');
  expect(bench.state).toBe('ESTABLISHED');
  expect(bench.read()).toBe(20);
  const none = withCookie()
    .connect({ data: stream(1, 50) })
    .ignore();
  none.arrives('<SEQ=0><CTL=SYN><MSS=1000>').sends('<SEQ=0><ACK=1><CTL=SYN,ACK>');
  none.arrives('<SEQ=0><ACK=1><CTL=SYN,ACK><MSS=1000>').sends('<SEQ=1><ACK=1><CTL=ACK><DATA=50>');
});

it('does not ask where the settings leave the client out [Linux tcp_fastopen]', () => {
  const bench = new Bench({ tcp: { fastOpen: 'server' } }).connect({ data: stream(1, 4) });
  bench.sends('<SEQ=0><CTL=SYN><FO=none>');
  bench.arrives('<SEQ=0><ACK=1><CTL=SYN,ACK><MSS=1000>').sends('<SEQ=1><ACK=1><CTL=ACK><DATA=4>');
});

it('gives a cookie to who asks, the same for the same addresses, in both encodings [RFC 7413 4.1.2]', () => {
  const bench = new Bench({ tcp: { fastOpenKey: KEY } }).listen(4, {});
  const cookie = cookieOf(bench);
  expect(cookie).toMatch(/^[0-9a-f]{16}$/);
  expect(cookieOf(bench)).toBe(cookie);
  fresh(bench).arrives('<SEQ=0><CTL=SYN><MSS=1460><OPT=254:f989><DATA=7>');
  bench.sends(`<SEQ=0><ACK=1><CTL=SYN,ACK><FO=exp${cookie}>`);
});

it('ignores the option where the program did not ask for Fast Open [RFC 7413 4.2]', () => {
  const bench = new Bench().listen().arrives('<SEQ=0><CTL=SYN><MSS=1460><OPT=34:>');
  bench.sends('<SEQ=0><ACK=1><CTL=SYN,ACK><FO=none>');
  const off = new Bench({ profile: 'linux' }).listen(4, {}).arrives('<SEQ=0><CTL=SYN><MSS=1460><OPT=34:>');
  off.sends('<SEQ=0><ACK=1><CTL=SYN,ACK><FO=none>');
});

it('hands data to the program and sends its answer before the handshake is over [RFC 7413 4.2.2]', () => {
  const bench = new Bench().listen(4, {});
  const cookie = cookieOf(bench);
  fresh(bench).arrives(`<SEQ=0><CTL=SYN><MSS=1460><OPT=34:${cookie}><DATA=100>`);
  bench.sends('<SEQ=0><ACK=101><CTL=SYN,ACK><FO=none>');
  expect(bench.state).toBe('SYN-RECEIVED');
  expect(bench.told).toEqual(['readable']);
  expect(bench.read()).toBe(100);
  bench.does((connection) => connection.setNoDelay(true));
  bench.write(2000).sends('<SEQ=1><ACK=101><CTL=ACK><DATA=1460>', '<SEQ=1461><ACK=101><CTL=ACK><DATA=540>');
  bench.arrives('<SEQ=101><ACK=1><CTL=ACK>').sends();
  expect(bench.state).toBe('ESTABLISHED');
  expect(bench.told).toEqual(['readable', 'established']);
  bench.arrives('<SEQ=101><ACK=2001><CTL=ACK>').sends();
  expect(bench.connection.bytesQueued).toBe(0);
});

it('keeps to the initial window before the handshake is over [RFC 7413 4.2.2]', () => {
  const bench = new Bench().listen(4, {});
  const cookie = cookieOf(bench);
  fresh(bench).arrives(`<SEQ=0><CTL=SYN><MSS=1460><OPT=34:${cookie}><DATA=100>`).ignore();
  bench.write(30_000);
  expect(bench.sent().length).toBe(10);
});

it('takes the ACK of its answer for that of its SYN as well [RFC 7413 4.2.2]', () => {
  const bench = new Bench().listen(4, {});
  const cookie = cookieOf(bench);
  fresh(bench).arrives(`<SEQ=0><CTL=SYN><MSS=1460><OPT=34:${cookie}><DATA=100>`);
  bench.write(300).ignore();
  bench.arrives('<SEQ=101><ACK=301><CTL=ACK>');
  expect(bench.state).toBe('ESTABLISHED');
  expect(bench.info('snd.una')).toBe(301);
});

it('repeats an answer that was lost, after the handshake [RFC 6298 5.4]', () => {
  const bench = new Bench().listen(4, {});
  const cookie = cookieOf(bench);
  fresh(bench).arrives(`<SEQ=0><CTL=SYN><MSS=1460><OPT=34:${cookie}><DATA=100>`);
  bench.write(300).ignore();
  bench.wait(100).arrives('<SEQ=101><ACK=1><CTL=ACK>').sends();
  bench.wait(999).sends();
  bench.wait(1).sends('<SEQ=1><ACK=101><CTL=ACK><DATA=300>');
});

it('repeats a SYN-ACK without data and cookie [RFC 7413 4.2.2]', () => {
  const bench = new Bench().listen(4, {}).arrives('<SEQ=0><CTL=SYN><MSS=1460><OPT=34:>').ignore();
  bench.wait(1_000).sends('<SEQ=0><ACK=1><CTL=SYN,ACK><FO=none>');
});

it('acknowledges the data again when the SYN comes again, and does not take it twice [RFC 7413 4.2.2]', () => {
  const bench = new Bench().listen(4, {});
  const cookie = cookieOf(bench);
  const syn = `<SEQ=0><CTL=SYN><MSS=1460><OPT=34:${cookie}><DATA=100>`;
  fresh(bench).arrives(syn, syn, '<SEQ=0><CTL=SYN><MSS=1460>');
  for (const { header } of bench.sent()) expect((header.ack ?? 0) >>> 0).toBe((0xffff_f800 + 101) >>> 0);
  expect(bench.read()).toBe(100);
  expect(bench.connection.readable).toBe(0);
});

it('drops to an ordinary handshake with a wrong cookie, and sends the right one [RFC 7413 4.1.2, 4.2.2]', () => {
  const bench = new Bench().listen(4, {});
  const cookie = cookieOf(bench);
  fresh(bench).arrives(`<SEQ=0><CTL=SYN><MSS=1460><OPT=34:${COOKIE}><DATA=100>`);
  bench.sends(`<SEQ=0><ACK=1><CTL=SYN,ACK><FO=${cookie}>`);
  expect(bench.told).toEqual([]);
  bench.arrives('<SEQ=1><ACK=1><CTL=ACK><DATA=100>').sends('<SEQ=1><ACK=101><CTL=ACK>');
  expect(bench.read()).toBe(100);
});

it('binds a cookie to the address of the client [RFC 7413 4.1.2]', () => {
  const bench = new Bench().listen(4, {});
  const cookie = cookieOf(bench);
  fresh(bench).arrives(`<SRC=3><SEQ=0><CTL=SYN><MSS=1460><OPT=34:${cookie}><DATA=100>`).wait(10);
  expect(bench.told).toEqual([]);
});

it('holds a FIN in the SYN until the handshake is over [RFC 9293 3.10.7.2]', () => {
  const bench = new Bench().listen(4, {});
  const cookie = cookieOf(bench);
  fresh(bench).arrives(`<SEQ=0><CTL=SYN,FIN><MSS=1460><OPT=34:${cookie}><DATA=100>`);
  bench.sends('<SEQ=0><ACK=101><CTL=SYN,ACK>');
  bench.arrives('<SEQ=101><ACK=1><CTL=ACK>').sends('<SEQ=1><ACK=102><CTL=ACK>');
  expect(bench.told).toEqual(['readable', 'established', 'end']);
});

it('sends its FIN once the handshake is over [RFC 9293 3.10.4]', () => {
  const bench = new Bench().listen(4, {});
  const cookie = cookieOf(bench);
  fresh(bench).arrives(`<SEQ=0><CTL=SYN><MSS=1460><OPT=34:${cookie}><DATA=100>`);
  bench.write(10).does((connection) => connection.shutdown());
  bench.sends('<SEQ=0><ACK=101><CTL=SYN,ACK>', '<SEQ=1><ACK=101><CTL=ACK><DATA=10>');
  bench.arrives('<SEQ=101><ACK=1><CTL=ACK>').sends('<SEQ=11><ACK=101><CTL=FIN,ACK>');
});

it('takes data from any SYN where the program asks for no cookies [RFC 7413 4.1.2]', () => {
  const bench = new Bench().listen(4, { cookies: false }).arrives('<SEQ=0><CTL=SYN><MSS=1460><DATA=10>');
  bench.sends('<SEQ=0><ACK=11><CTL=SYN,ACK><FO=none>');
});

it('takes only so many at a time, and counts those that a RST ended for a minute longer [RFC 7413 4.2, 5.1]', () => {
  const bench = new Bench().listen(4, { queue: 2 });
  const cookie = cookieOf(bench);
  const syn = (port: number): string =>
    `<SPORT=${port}><SEQ=0><CTL=SYN><MSS=1460><OPT=34:${cookie}><DATA=10>`;
  const acks = (): unknown => bench.sent().map(({ header }) => ((header.ack ?? 0) - 0xffff_f800) | 0);
  bench.arrives(syn(50_001), syn(50_002), syn(50_003));
  expect(acks()).toEqual([11, 11, 1]);
  bench.arrives('<SPORT=50001><SEQ=11><CTL=RST>').ignore().arrives(syn(50_004));
  expect(acks()).toEqual([1]);
  bench.wait(60_000).ignore().arrives(syn(50_005)); // the other one timed out too
  expect(acks()).toEqual([11]);
});

it('tells the program that a connection it had accepted was reset [RFC 9293 3.10.7.4]', () => {
  const bench = new Bench().listen(4, {});
  const cookie = cookieOf(bench);
  fresh(bench).arrives(`<SEQ=0><CTL=SYN><MSS=1460><OPT=34:${cookie}><DATA=100>`);
  bench.arrives('<SEQ=101><CTL=RST>');
  expect(bench.told).toEqual(['readable', 'closed reset']);
});

it('takes cookies of the last key for as long again, and gives new ones [RFC 7413 4.1.2]', () => {
  const bench = new Bench({ tcp: { fastOpenKeyLifetime: seconds(100) } }).listen(4, {});
  const cookie = cookieOf(bench);
  bench.wait(101_000);
  fresh(bench).arrives(`<SEQ=0><CTL=SYN><MSS=1460><OPT=34:${cookie}><DATA=10>`);
  const [synAck] = bench.sent();
  expect(((synAck?.header.ack ?? 0) - 0xffff_f800) | 0).toBe(11);
  const renewed = fastOpenOf(synAck?.header.options ?? expect.fail('no SYN-ACK'))?.cookie;
  expect(renewed).toHaveLength(8);
  bench.arrives('<SEQ=11><CTL=RST>').wait(101_000).ignore();
  fresh(bench)
    .arrives(`<SEQ=0><CTL=SYN><MSS=1460><OPT=34:${cookie}><DATA=10>`)
    .sends('<SEQ=0><ACK=1><CTL=SYN,ACK>');
});
