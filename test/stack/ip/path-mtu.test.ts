import { describe, expect, it } from 'vitest';
import { PathMtuCache } from '../../../stack/ip/path-mtu.ts';
import { type SettingsChanges } from '../../../stack/settings.ts';
import { type Instant, seconds } from '../../../stack/time.ts';
import { IPv6Address, type IPv4Address } from '../../../stack/wire/address.ts';
import { makeContext, THERE } from './support.ts';
import { THERE6 } from './support6.ts';

function setUp(changes: SettingsChanges = {}) {
  const context = makeContext(changes);
  return { context, cache: new PathMtuCache(context) };
}

describe('the path-MTU cache', () => {
  it('knows nothing at first, then the least that was heard; it is never raised [RFC 1191 3; RFC 8201 4]', () => {
    const { cache } = setUp();
    for (const destination of [THERE, THERE6]) {
      expect(cache.get(destination)).toBeUndefined();
      expect(cache.lower(destination, 1_400)).toBe(1_400);
      expect(cache.lower(destination, 1_450)).toBe(1_400);
      expect(cache.lower(destination, 1_300)).toBe(1_300);
      expect(cache.get(destination)).toBe(1_300);
      cache.forget(destination);
      expect(cache.get(destination)).toBeUndefined();
    }
  });

  it('B1 goes no lower than its floors: 552 over IPv4, 1,280 over IPv6 whatever is set [RFC 8201 4]', () => {
    const { cache } = setUp();
    expect(cache.lower(THERE, 68)).toBe(552);
    expect(cache.lower(THERE6, 0)).toBe(1_280);
    const open = setUp({ ip: { minPathMtu: 0, minPathMtu6: 0 } }).cache;
    expect(open.lower(THERE, 0)).toBe(68);
    expect(open.lower(THERE6, 68)).toBe(1_280);
  });

  it('forgets after 10 minutes, counted from the last message that mattered [RFC 1191 6.3; RFC 8201 5.3]', () => {
    const { context, cache } = setUp();
    cache.lower(THERE6, 1_400);
    context.now = seconds(500) as number as Instant;
    cache.lower(THERE6, 1_400);
    context.now = seconds(1_099) as number as Instant;
    expect(cache.get(THERE6)).toBe(1_400);
    context.now = seconds(1_100) as number as Instant;
    expect(cache.get(THERE6)).toBeUndefined();
    expect(cache.size).toBe(0);
  });

  it('B1 holds no more destinations than the setting says, the latest ones', () => {
    const { cache } = setUp({ ip: { pathMtus: 100 } });
    for (let i = 0; i < 10_000; i++) cache.lower(new IPv6Address(1, 2, 3, i), 1_400);
    expect(cache.size).toBe(100);
    expect(cache.get(new IPv6Address(1, 2, 3, 9_999))).toBe(1_400);
    expect(cache.get(new IPv6Address(1, 2, 3, 9_000))).toBeUndefined();
    cache.lower(5 as IPv4Address, 1_000);
    expect(cache.size).toBe(100);
  });
});
