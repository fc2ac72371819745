import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../sim/random.ts';
import type { HostContext } from '../../../stack/context.ts';
import { noCounts } from '../../../stack/counters.ts';
import { Memory } from '../../../stack/memory.ts';
import { type TcpSettings, settings } from '../../../stack/settings.ts';
import { FastOpenCache } from '../../../stack/tcp/fast-open-cache.ts';
import { FastOpenServer, fastOpenOf } from '../../../stack/tcp/fast-open.ts';
import type { Instant } from '../../../stack/time.ts';
import { type IpAddress, parseAddress } from '../../../stack/wire/address.ts';
import { options } from '../../../stack/wire/tcp-options.ts';

const NONE = new Uint8Array(0);

function address(text: string): IpAddress {
  return parseAddress(text) ?? expect.fail(text);
}

function server(tcp: Partial<TcpSettings> = {}): FastOpenServer {
  const context: HostContext = {
    name: 'host',
    settings: settings({ tcp }),
    random: seededRandom(1, 'host'),
    now: 0 as Instant,
    tracer: undefined,
    counters: noCounts(),
    drops: new Map(),
    memory: new Memory(1e9),
  };
  return new FastOpenServer(context);
}

/** The cookie that `client` gets for `own`. */
function cookie(of: FastOpenServer, client: string, own: string): string {
  const queue = of.listen({});
  const judged = of.judge(queue, options({ fastOpen: NONE }), 0, address(client), address(own));
  return Buffer.from(judged?.reply?.cookie ?? NONE).toString('hex');
}

describe('cookies of a server [RFC 7413 4.1.2]', () => {
  it('are those of Linux with the same key, so that servers behind one address can be of both kinds', () => {
    // What Linux 6.18 gave with this key: test/scripts/fast-open/server-cookie.pkt runs against it, too.
    const shared = server({ fastOpenKey: 'a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4' });
    expect(cookie(shared, '192.0.2.1', '192.168.0.1')).toBe('3021b9d889017eeb');
  });

  it('differ by client, by own address and by host, in both families', () => {
    const [one, other] = [server(), server({ fastOpenKey: '1-2-3-4' })];
    const found = [
      cookie(one, '10.0.0.2', '10.0.0.1'),
      cookie(one, '10.0.0.3', '10.0.0.1'),
      cookie(one, '10.0.0.2', '10.0.0.9'),
      cookie(other, '10.0.0.2', '10.0.0.1'),
      cookie(one, '2001:db8::2', '2001:db8::1'),
      cookie(one, '2001:db8::3', '2001:db8::1'),
    ];
    expect(new Set(found).size).toBe(found.length);
    for (const each of found) expect(each).toMatch(/^[0-9a-f]{16}$/);
    expect(cookie(one, '2001:db8::2', '2001:db8::1')).toBe(found[4]);
  });
});

describe('the option in the experimental encoding [RFC 7413 9]', () => {
  const read = (hex: string) =>
    fastOpenOf(options({ others: [{ kind: 254, data: Buffer.from(hex, 'hex') }] }));

  it('has the magic number before the cookie', () => {
    expect(read('f989')).toEqual({ cookie: Buffer.alloc(0), experimental: true });
    expect(read('f98901020304')?.cookie).toEqual(Buffer.from([1, 2, 3, 4]));
  });

  it('of another experiment, or with a cookie of a length that there is not, is none', () => {
    for (const hex of ['', 'f9', 'f988', 'f98901', 'f9890102', 'f9890102030405', `f989${'00'.repeat(18)}`])
      expect(read(hex)).toBeUndefined();
  });
});

describe('what a client remembers [RFC 7413 4.1.3]', () => {
  const local = address('10.0.0.1');
  const at = (last: number, port: number = 80) => ({ address: address(`10.0.1.${last}`), port });
  const option = { cookie: Uint8Array.of(1, 2, 3, 4), experimental: false };
  const now = 0 as Instant;

  it('is bounded: the server longest unused is forgotten', () => {
    const cache = new FastOpenCache(settings({ tcp: { fastOpenCache: 3 } }).tcp);
    for (const last of [1, 2, 3]) cache.learned(local, at(last), option, 1_000);
    expect(cache.option(local, at(1), now)?.cookie).toHaveLength(4); // used again
    cache.learned(local, at(4), option, 1_000);
    expect(cache.size).toBe(3);
    expect(cache.option(local, at(1), now)?.cookie).toHaveLength(4);
    expect(cache.option(local, at(2), now)?.cookie).toHaveLength(0);
  });

  it('is a cookie for all ports of a server, and a failure for one', () => {
    const cache = new FastOpenCache(settings().tcp);
    cache.learned(local, at(1, 80), option, 1_000);
    cache.failed(local, at(1, 443), now);
    expect(cache.option(local, at(1, 8_080), now)?.cookie).toHaveLength(4);
    expect(cache.option(local, at(1, 443), now)).toBeUndefined();
  });

  it('is another cookie for another address of its own', () => {
    const cache = new FastOpenCache(settings().tcp);
    cache.learned(local, at(1), option, 1_000);
    expect(cache.option(address('10.0.0.7'), at(1), now)?.cookie).toHaveLength(0);
  });

  it('is an MSS that is never taken for more than the usual one', () => {
    const cache = new FastOpenCache(settings().tcp);
    cache.learned(local, at(1), option, 8_960);
    expect([cache.mss(local, at(1).address, 536), cache.mss(local, at(2).address, 536)]).toEqual([
      1_460, 536,
    ]);
  });

  it('lets a path rest 64 times the first wait at most', () => {
    const cache = new FastOpenCache(settings().tcp);
    for (let failures = 0; failures < 50; failures++) cache.failed(local, at(1), now);
    expect(cache.isBlocked(local, at(1), (64 * 60e6 - 1) as Instant)).toBe(true);
    expect(cache.isBlocked(local, at(1), (64 * 60e6) as Instant)).toBe(false);
  });
});
