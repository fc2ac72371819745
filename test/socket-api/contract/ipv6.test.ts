import { describe, expect, it } from 'vitest';
import type { Socket } from '../../../socket-api/types.ts';
import { type IpAddress, parseAddress } from '../../../stack/wire/address.ts';
import { type Pair, pair, PORT } from '../harness.ts';

function ip(text: string): IpAddress {
  const parsed = parseAddress(text);
  if (parsed === undefined) throw new Error(`no address: ${text}`);
  return parsed;
}

/** A pair with IPv6 addresses beside 10.0.0.1 and 10.0.0.2: fd00::1 and fe80::1, fd00::2 and fe80::2. */
function dual(): Pair {
  const net = pair();
  for (const [host, n] of [
    [net.hosts.client, 1],
    [net.hosts.server, 2],
  ] as const) {
    const [own] = host.ip.interfaces;
    for (const prefix of ['fd00', 'fe80'])
      own?.addAddress({ address: ip(`${prefix}::${n}`), prefixLength: 64 });
  }
  return net;
}

/** Connects, and gives both sockets. */
async function connect(net: Pair, listenOn: string, to: string, ipv6Only: boolean = false) {
  let server: Socket<unknown> | undefined;
  const socket = net.handlers('S', { open: (opened) => void (server = opened) });
  net.S.listen({ hostname: listenOn, port: PORT, ipv6Only, socket });
  const connecting = net.C.connect({ hostname: to, port: PORT, socket: net.handlers('C') });
  connecting.catch(() => {});
  await net.run(100);
  const client = await connecting;
  if (server === undefined) throw new Error('nobody came');
  return { client, server };
}

describe('sockets over IPv6', () => {
  it('take an IPv6 literal as hostname, and write addresses as RFC 5952 has them', async () => {
    const net = dual();
    const { client, server } = await connect(net, 'fd00:0:0::2', 'FD00::0002');
    expect([client.remoteAddress, client.remoteFamily]).toEqual(['fd00::2', 'IPv6']);
    expect([client.localAddress, client.localFamily]).toEqual(['fd00::1', 'IPv6']);
    expect([server.remoteAddress, server.remoteFamily]).toEqual(['fd00::1', 'IPv6']);
    client.write('over six');
    await net.run();
    expect(net.called()).toContain('S.data over six');
  });

  it('row 60: on :: IPv6 peers have their own addresses, IPv4 peers mapped ones', async () => {
    const six = await connect(dual(), '::', 'fd00::2');
    expect([six.server.remoteAddress, six.server.remoteFamily]).toEqual(['fd00::1', 'IPv6']);
    const four = await connect(dual(), '::', '10.0.0.2');
    expect([four.server.remoteAddress, four.server.remoteFamily]).toEqual(['::ffff:10.0.0.1', 'IPv6']);
  });

  it('row 60: with ipv6Only :: takes no IPv4, and 0.0.0.0 may listen beside it', async () => {
    await expect(connect(dual(), '::', '10.0.0.2', true)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    const net = dual();
    const six = await connect(net, '::', 'fd00::2', true);
    expect(six.server.remoteAddress).toBe('fd00::1');
    const socket = net.handlers('four');
    expect(() => net.S.listen({ hostname: '0.0.0.0', port: PORT, socket })).not.toThrow();
    expect(() => net.S.listen({ hostname: '::', port: PORT, socket })).toThrow(/Failed to listen at ::/);
  });

  it('0.0.0.0 takes no IPv6', async () => {
    await expect(connect(dual(), '0.0.0.0', 'fd00::2')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('take a link-local address with its zone [RFC 4007 11]', async () => {
    const net = dual();
    const zone = net.hosts.client.ip.interfaces[0]?.device.name ?? '';
    const { server } = await connect(net, '::', `fe80::2%${zone}`);
    expect(server.remoteAddress).toBe('fe80::1');
    const nowhere = net.C.connect({ hostname: 'fe80::2%nowhere', port: PORT, socket: net.handlers('N') });
    nowhere.catch(() => {});
    await net.run();
    await expect(nowhere).rejects.toThrow();
  });
});
