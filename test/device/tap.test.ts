import { describe, expect, it } from 'vitest';
import { openTap } from '../../device/tap.ts';
import { PacketBuffer } from '../../stack/bytes/packet-buffer.ts';
import { kernelMissing, runInside, withNamespace } from './kernel-world.ts';
import { counting, replyToEcho } from './tiny-peer.ts';

const OUR_MAC: readonly number[] = [2, 0, 0, 0, 0, 0x77];

/** Answers an ARP request in place: whatever is asked for has our address. */
function replyToArp(frame: PacketBuffer): boolean {
  const { bytes, view, head } = frame;
  if (view.getUint16(head + 12) !== 0x0806 || view.getUint16(head + 20) !== 1) return false;
  const asked = bytes.slice(head + 38, head + 42);
  view.setUint16(head + 20, 2);
  bytes.copyWithin(head + 32, head + 22, head + 32);
  bytes.set(OUR_MAC, head + 22);
  bytes.set(asked, head + 28);
  return turnAround(frame);
}

/** Sends an Ethernet frame back where it came from. */
function turnAround({ bytes, head }: PacketBuffer): true {
  bytes.copyWithin(head, head + 6, head + 12);
  bytes.set(OUR_MAC, head + 6);
  return true;
}

describe.skipIf(kernelMissing())('a TAP device', () => {
  it('carries Ethernet frames: the kernel resolves our address and pings it', () =>
    withNamespace(async (networkNamespace) => {
      const device = openTap({ networkNamespace, address: '10.0.0.1/24' });
      expect(device).toMatchObject({ medium: 'ethernet', mtu: 1_500, headroom: 10 });
      const { receiver } = counting((frame) => {
        const echo = frame.view.getUint16(frame.head + 12) === 0x0800 && replyToEcho(frame, frame.head + 14);
        if (echo ? turnAround(frame) : replyToArp(frame)) device.transmit([frame]);
      });
      device.attach(receiver);
      const ping = await runInside(networkNamespace, 'ping', '-c3', '-i0.01', '-W2', '10.0.0.2');
      expect(ping.output).toContain('3 received');
      const neighbours = await runInside(networkNamespace, 'ip', 'neighbour');
      expect(neighbours.output).toContain('02:00:00:00:00:77');
      device.close();
    }));

  it('has an Ethernet address on its kernel side, which can be set', () =>
    withNamespace((networkNamespace) => {
      const device = openTap({ networkNamespace });
      expect(device.kernelSide.mac).toMatch(/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/);
      device.kernelSide.mac = '02:00:00:00:00:01';
      expect(device.kernelSide.mac).toBe('02:00:00:00:00:01');
      device.close();
    }));

  it('has an IPv6 address that can be used at once, without duplicate address detection', () =>
    withNamespace(async (networkNamespace) => {
      const device = openTap({ networkNamespace, address: 'fd00::1/64' });
      const script = `require('net').createServer().listen(80, 'fd00::1', () => process.exit(0))`;
      expect(await runInside(networkNamespace, process.execPath, '-e', script)).toEqual({
        code: 0,
        output: '',
      });
      device.close();
    }));
});
