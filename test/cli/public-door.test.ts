import { describe, expect, it } from 'vitest';
import { glasstack, type Socket, type TraceEvent, wire } from '../../index.ts';
import { seededRandom, VirtualClock } from '../../sim/sim.ts';

describe('glasstack()', () => {
  it('makes a stack of a device and an address', async () => {
    const scheduler = new VirtualClock();
    const events: TraceEvent['type'][] = [];
    const [a, b] = wire(scheduler);
    const common = { scheduler, random: seededRandom(1) };
    const server = glasstack({ device: a, address: '10.0.0.1/24', ...common });
    const tracer = (event: TraceEvent): void => void events.push(event.type);
    const client = glasstack({ device: b, address: ['10.0.0.2/24'], profile: 'linux', tracer, ...common });
    const heard: string[] = [];
    server.listen({
      hostname: '0.0.0.0',
      port: 7,
      socket: { data: (socket: Socket, chunk) => void socket.end(`echo ${chunk.toString()}`) },
    });
    void client.connect({
      hostname: '10.0.0.1',
      port: 7,
      socket: {
        open: (socket: Socket) => void socket.write('hello'),
        data: (_socket: Socket, chunk) => void heard.push(chunk.toString()),
        close: () => void heard.push('closed'),
      },
    });
    scheduler.run();
    expect(heard).toEqual(['echo hello', 'closed']);
    expect(client.host.settings.profile).toBe('linux');
    expect(events).toContain('state');
    client.close();
    server.close();
  });

  it('refuses what is no address', () => {
    const [device] = wire(new VirtualClock());
    expect(() => glasstack({ device, address: '10.0.0.1' })).toThrow(/prefix length, such as/);
    expect(() => glasstack({ device, address: '10.0.0.1/24', gateway: 'home' })).toThrow(/no IP address/);
  });
});
