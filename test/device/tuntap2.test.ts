import { describe, expect, it } from 'vitest';
import { deviceFromDuplex } from '../../device/duplex.ts';
import { Tap, Tun } from '../../device/tuntap2.ts';
import { PacketBuffer } from '../../stack/bytes/packet-buffer.ts';
import { kernelMissing, runInside, until, withNamespace } from './kernel-world.ts';
import { counting, replyToEcho } from './tiny-peer.ts';

/** Opens a Tun as code for `tuntap2` does. */
function openedTun(networkNamespace: string): Tun {
  const tun = new Tun({ networkNamespace });
  tun.mtu = 1_400;
  tun.ipv4 = '10.0.0.1/24';
  tun.isUp = true;
  return tun;
}

describe.skipIf(kernelMissing())('Tun and Tap in the shape of tuntap2', () => {
  it('are configured through properties, which read back', () =>
    withNamespace((networkNamespace) => {
      const tun = new Tun({ networkNamespace, name: 'shape0' });
      expect([tun.name, tun.mtu, tun.ipv4, tun.ipv6, tun.isUp]).toEqual([
        'shape0',
        1_500,
        undefined,
        undefined,
        false,
      ]);
      tun.mtu = 1_400;
      tun.ipv4 = '10.0.0.1/24';
      tun.ipv4 = '10.1.0.1/16';
      tun.isUp = true;
      tun.ipv6 = 'fd00::1/64';
      tun.ipv6 = 'fd01::1/64';
      expect([tun.mtu, tun.ipv4, tun.ipv6, tun.isUp]).toEqual([1_400, '10.1.0.1/16', 'fd01::1/64', true]);
      tun.isUp = false;
      expect(tun.isUp).toBe(false);
      expect(() => {
        tun.ipv4 = 'nonsense';
      }).toThrow(expect.objectContaining({ code: 'ERR_TUN_ADDRESS' }));
      tun.release();
      tun.release();
      expect(() => tun.mtu).toThrow(expect.objectContaining({ code: 'ERR_TUN_CLOSED' }));
    }));

  it('give and take one packet in each chunk', () =>
    withNamespace(async (networkNamespace) => {
      const tun = openedTun(networkNamespace);
      tun.on('data', (chunk: Buffer) => {
        const packet = PacketBuffer.copyOf(chunk);
        if (replyToEcho(packet, packet.head)) tun.write(packet.contents());
      });
      const ping = await runInside(networkNamespace, 'ping', '-c3', '-i0.01', '-W2', '10.0.0.2');
      expect(ping.output).toContain('3 received');
      tun.release();
    }));

  it('serve as devices through deviceFromDuplex', () =>
    withNamespace(async (networkNamespace) => {
      const device = deviceFromDuplex(openedTun(networkNamespace));
      expect(device.mtu).toBe(1_400);
      const { receiver } = counting((frame) => {
        if (replyToEcho(frame, frame.head)) device.transmit([frame]);
      });
      device.attach(receiver);
      const ping = await runInside(networkNamespace, 'ping', '-c3', '-i0.01', '-W2', '10.0.0.2');
      expect(ping.output).toContain('3 received');
      device.close();
    }));

  it('leave packets to the kernel while nobody reads, and go on where they stopped', () =>
    withNamespace(async (networkNamespace) => {
      const tun = openedTun(networkNamespace);
      let count = 0;
      tun.on('data', () => {
        count += 1;
      });
      tun.pause();
      const script = `const s = require("dgram").createSocket("udp4");
        for (let n = 0; n < 3000; n += 1) s.send("x", 9, "10.0.0.2");
        setTimeout(() => s.close(), 100)`;
      await runInside(networkNamespace, process.execPath, '-e', script);
      expect(count).toBe(0);
      expect(tun.readableLength).toBeLessThanOrEqual(2 * 1_024);
      tun.resume();
      await until(() => count > 400, 'packets come again');
      tun.release();
    }));

  it('refuse chunks that are no packets', () =>
    withNamespace(async (networkNamespace) => {
      const tun = openedTun(networkNamespace);
      const error = new Promise((resolve) => tun.once('error', resolve));
      tun.write('text');
      expect(await error).toBeInstanceOf(TypeError);
    }));

  it('have an Ethernet address, if they are Taps', () =>
    withNamespace((networkNamespace) => {
      const tap = new Tap({ networkNamespace });
      tap.mac = '02:00:00:00:00:09';
      expect(tap.mac).toBe('02:00:00:00:00:09');
      tap.release();
    }));
});
