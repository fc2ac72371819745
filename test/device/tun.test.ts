import { describe, expect, it } from 'vitest';
import { openTun } from '../../device/tun.ts';
import { PacketBuffer } from '../../stack/bytes/packet-buffer.ts';
import { kernelMissing, runInside, runProgram, startInside, until, withNamespace } from './kernel-world.ts';
import { counting, replyToEcho, TinyTcp } from './tiny-peer.ts';

const PEER = 0x0a000001;
const SELF = 0x0a000002;
const ADDRESS = '10.0.0.1/24';

describe.skipIf(kernelMissing())('a TUN device', () => {
  for (const offload of [true, false]) {
    it(`carries the kernel's pings and our replies, offload ${offload}`, () =>
      withNamespace(async (networkNamespace) => {
        const device = openTun({ networkNamespace, address: [ADDRESS, 'fd00::1/64'], offload });
        const { receiver } = counting((frame) => {
          if (replyToEcho(frame, frame.head)) device.transmit([frame]);
        });
        device.attach(receiver);
        for (const target of ['10.0.0.2', 'fd00::2']) {
          const ping = await runInside(networkNamespace, 'ping', '-c3', '-i0.01', '-W2', '-s1400', target);
          expect(ping.output).toContain('3 received');
        }
        device.close();
      }));
  }

  it('brings super-segments of the kernel, with their segment size and a partial checksum', () =>
    withNamespace(async (networkNamespace) => {
      const device = openTun({ networkNamespace, address: ADDRESS });
      expect(device.offloads).toEqual({ checksum: true, tso4: true, tso6: true });
      expect(device.receiveQueue).toBeUndefined();
      const tcp = new TinyTcp(device, SELF, 80);
      const command = 'head -c 1000000 /dev/zero > /dev/tcp/10.0.0.2/80';
      expect(await runInside(networkNamespace, 'timeout', '5', 'bash', '-c', command)).toMatchObject({
        code: 0,
      });
      await until(() => tcp.received >= 1_000_000, 'all bytes arrive');
      expect(tcp.seen.largest).toBeGreaterThan(10_000);
      expect(new Set(tcp.seen.segmentSizes)).toEqual(new Set([1_460]));
      expect(tcp.seen.checksums).toContain('partial');
      device.close();
    }));

  it('takes super-segments that the kernel cuts, with the checksums left to it', () =>
    withNamespace(async (networkNamespace) => {
      const device = openTun({ networkNamespace, address: ADDRESS });
      const script = 'require("net").createServer((s) => s.resume()).listen(80, () => console.log("ready"))';
      const server = await startInside(networkNamespace, script);
      const tcp = new TinyTcp(device, SELF, 2_000);
      tcp.connect(PEER, 80);
      await until(() => tcp.seen.frames > 0 && tcp.acknowledged === 0, 'the SYN is answered');
      tcp.sendSuperSegment(50_000, 1_460);
      await until(() => tcp.acknowledged === 50_000, 'the kernel acknowledges 50,000 bytes');
      expect(device.counters).toEqual({ readFailures: 0, writeFailures: 0, lastWriteError: undefined });
      device.close();
      server.kill();
    }));

  it('brings packets in batches, each with the bytes it was sent with', () =>
    withNamespace(async (networkNamespace) => {
      const device = openTun({ networkNamespace, address: ADDRESS, offload: false });
      expect(device.receiveQueue).toBe(4_000);
      const numbers: number[] = [];
      const { seen, receiver } = counting((frame) => {
        if (frame.view.getUint8(frame.head + 9) === 17) numbers.push(frame.view.getUint32(frame.head + 28));
      });
      device.attach(receiver);
      const script = `const s = require("dgram").createSocket("udp4");
        for (let n = 0; n < 200; n += 1) { const b = Buffer.alloc(99 + n); b.writeUInt32BE(n); s.send(b, 9, "10.0.0.2"); }
        setTimeout(() => s.close(), 50)`;
      const sender = runInside(networkNamespace, process.execPath, '-e', script);
      await until(() => numbers.length === 200, 'all datagrams arrive');
      await sender;
      expect(numbers).toEqual(Array.from({ length: 200 }, (_, n) => n));
      expect(seen.batches).toBeLessThanOrEqual(seen.frames);
      device.close();
    }));

  it('is configured as asked', () =>
    withNamespace(async (networkNamespace) => {
      const device = openTun({
        networkNamespace,
        name: 'demo%d',
        address: [ADDRESS, 'fd00::1/64'],
        mtu: 9_000,
        transmitQueueLength: 777,
        offload: false,
      });
      expect(device).toMatchObject({
        name: 'demo0',
        medium: 'ip',
        mtu: 9_000,
        receiveQueue: 777,
        headroom: 0,
      });
      expect(device.kernelSide.addresses).toEqual(expect.arrayContaining([ADDRESS, 'fd00::1/64']));
      expect(device.kernelSide.isUp).toBe(true);
      const shown = await runInside(networkNamespace, 'ip', 'link', 'show', 'demo0');
      expect(shown.output).toMatch(/UP.*mtu 9000.*qlen 777/);
      device.close();
    }));

  it('drops and counts what the kernel does not take, and goes on', () =>
    withNamespace((networkNamespace) => {
      const device = openTun({ networkNamespace, up: false });
      const packet = PacketBuffer.allocate(100, device.headroom);
      packet.tail = packet.head + 40;
      packet.bytes[packet.head] = 0x45;
      expect(device.transmit([packet, packet])).toBe(2);
      expect(device.counters).toMatchObject({ writeFailures: 2, lastWriteError: 'EIO' });
      const bare = PacketBuffer.copyOf(new Uint8Array(40));
      expect(() => device.transmit([bare])).toThrow('wants 12 bytes of headroom');
      device.close();
    }));

  it('may be closed by its receiver in the middle of a batch, and twice', () =>
    withNamespace(async (networkNamespace) => {
      const device = openTun({ networkNamespace, address: ADDRESS });
      const { seen, receiver } = counting(() => device.close());
      device.attach(receiver);
      await runInside(networkNamespace, 'ping', '-c2', '-i0.01', '-W0.1', '10.0.0.2');
      expect(seen.batches).toBe(1);
      device.close();
      expect(device.transmit([PacketBuffer.allocate(100, 40)])).toBe(1);
    }));

  it('says so when the system takes the interface away', () =>
    withNamespace(async (networkNamespace) => {
      const device = openTun({ networkNamespace, address: ADDRESS });
      const { seen, receiver } = counting();
      device.attach(receiver);
      await runInside(networkNamespace, 'ip', 'link', 'delete', device.name);
      await until(() => seen.closedWith !== undefined, 'the receiver hears of it');
      expect(seen.closedWith).toMatchObject({ code: 'ERR_TUN_CLOSED' });
      device.close();
    }));

  it('leaves nothing behind when configuring it fails', () =>
    withNamespace(async (networkNamespace) => {
      expect(() => openTun({ networkNamespace, name: 'gone0', address: '10.0.0.300/24' })).toThrow(
        '10.0.0.1/24',
      );
      const shown = await runInside(networkNamespace, 'ip', 'link', 'show', 'gone0');
      expect(shown.code).not.toBe(0);
    }));

  it('never touches the namespace that the process is in', () =>
    withNamespace(async (networkNamespace) => {
      const device = openTun({ networkNamespace, name: 'gs-inner' });
      expect((await runProgram('ip', 'link', 'show', 'gs-inner')).code).not.toBe(0);
      device.close();
    }));
});
