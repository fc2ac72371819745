import { Duplex } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { deviceFromDuplex } from '../../device/duplex.ts';
import { PacketBuffer } from '../../stack/bytes/packet-buffer.ts';

/** A Duplex whose writes are kept, each until `finish` is called. */
class Tunnel extends Duplex {
  readonly written: string[] = [];
  finish: (() => void) | undefined = undefined;

  constructor() {
    super({ writableHighWaterMark: 8 });
  }
  override _read(): void {}
  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: () => void): void {
    this.written.push(Buffer.from(chunk).toString());
    this.finish = done;
  }
}

function packet(text: string): PacketBuffer {
  return PacketBuffer.copyOf(Buffer.from(text));
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

describe('a device over a Duplex', () => {
  it('hands over the chunks of one turn as one batch, a frame each', async () => {
    const tunnel = new Tunnel();
    const device = deviceFromDuplex(tunnel);
    const batches: string[][] = [];
    device.attach({
      framesArrived: (frames) =>
        batches.push(frames.map((frame) => Buffer.from(frame.contents()).toString())),
      deviceClosed: () => {},
    });
    for (const text of ['one', 'two', 'three']) tunnel.push(text);
    await turn();
    tunnel.push(Buffer.from('xfourx').subarray(1, 5));
    await turn();
    expect(batches.flat()).toEqual(['one', 'two', 'three', 'four']);
    expect(batches.length).toBeLessThan(4);
  });

  it('keeps chunks apart that came before it was attached', async () => {
    const tunnel = new Tunnel();
    for (const text of ['one', 'two']) tunnel.push(text);
    const lengths: number[] = [];
    deviceFromDuplex(tunnel).attach({
      framesArrived: (frames) => lengths.push(...frames.map((frame) => frame.length)),
      deviceClosed: () => {},
    });
    await turn();
    expect(lengths).toEqual([3, 3]);
  });

  it('refuses frames over the high-water mark, and says when there is room again', async () => {
    const tunnel = new Tunnel();
    const device = deviceFromDuplex(tunnel);
    device.attach({ framesArrived: () => {}, deviceClosed: () => {} });
    let writable = 0;
    device.onWritable = () => {
      writable += 1;
    };
    const frames = ['12345', '67890', 'abcde'].map(packet);
    expect(device.transmit(frames)).toBe(2);
    expect(device.transmit(frames.slice(2))).toBe(0);
    expect(writable).toBe(0);
    tunnel.finish?.();
    await turn();
    tunnel.finish?.();
    await turn();
    expect(writable).toBe(1);
    expect(device.transmit(frames.slice(2))).toBe(1);
    await turn();
    expect(tunnel.written).toEqual(['12345', '67890', 'abcde']);
  });

  it('has read a frame before it returns, so that its memory can be used again', async () => {
    const tunnel = new Tunnel();
    const device = deviceFromDuplex(tunnel);
    device.attach({ framesArrived: () => {}, deviceClosed: () => {} });
    const frames = [packet('first'), packet('again')];
    device.transmit(frames);
    for (const frame of frames) frame.bytes.fill(0);
    tunnel.finish?.();
    await turn();
    expect(tunnel.written).toEqual(['first', 'again']);
  });

  it('tells the receiver once when the Duplex ends or fails', async () => {
    for (const error of [undefined, new Error('cable cut')]) {
      const tunnel = new Tunnel();
      const heard: (Error | undefined)[] = [];
      const device = deviceFromDuplex(tunnel);
      device.attach({ framesArrived: () => {}, deviceClosed: (reason) => heard.push(reason) });
      tunnel.destroy(error);
      await turn();
      expect(heard).toEqual([error]);
      expect(device.transmit([packet('late')])).toBe(1);
    }
  });

  it('is silent once closed, and closing twice is fine', async () => {
    const tunnel = new Tunnel();
    let heard = 0;
    const device = deviceFromDuplex(tunnel);
    device.attach({ framesArrived: () => (heard += 1), deviceClosed: () => (heard += 1) });
    tunnel.push('late');
    device.close();
    device.close();
    await turn();
    expect([heard, tunnel.destroyed]).toEqual([0, true]);
  });

  it('takes name and MTU from the Duplex, or as told', () => {
    const like = Object.assign(new Tunnel(), { name: 'tun5', mtu: 1_280 });
    expect(deviceFromDuplex(like)).toMatchObject({ name: 'tun5', mtu: 1_280, medium: 'ip', headroom: 0 });
    const told = { name: 'mine', mtu: 9_000, medium: 'ethernet' } as const;
    expect(deviceFromDuplex(like, told)).toMatchObject(told);
    expect(deviceFromDuplex(new Tunnel())).toMatchObject({ name: 'duplex', mtu: 1_500 });
  });
});
