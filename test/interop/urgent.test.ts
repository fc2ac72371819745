import { describe, expect, it } from 'vitest';
import { StackEnd } from './stack-end.ts';
import { interopMissing, KERNEL, STACK, until, withWorld } from './world.ts';

/** Accepts, waits until all has come, then reads urgent data apart (`INLINE` false) or in line. */
const receiver = (inline: boolean): string => `
import socket, time
server = socket.create_server(('${KERNEL}', 5001))
print('ready', flush=True)
s, _ = server.accept()
s.setsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE, ${inline ? 1 : 0})
urgent = []
got = b''
while True:
    ${
      inline
        ? ''
        : `try:
        urgent.append(s.recv(1, socket.MSG_OOB))
    except OSError:
        pass
    `
    }data = s.recv(65536)
    if not data: break
    got += data
    time.sleep(0.02)
print(got.decode(), b''.join(urgent).decode(), flush=True)
`;

const SENDER = `
import socket, time
s = socket.create_connection(('${STACK}', 5001))
s.sendall(b'abc')
s.send(b'de!', socket.MSG_OOB)
s.sendall(b'fgh')
s.close()
`;

const text = new TextEncoder();

describe.skipIf(interopMissing)('urgent data with the kernel [RFC 9293 3.8.5]', () => {
  for (const inline of [false, true]) {
    it(`is read by the kernel’s program ${inline ? 'in line' : 'apart: its last byte'}`, () =>
      withWorld({ name: `urgent-to-kernel-${inline}` }, async (world) => {
        const peer = world.start('python3', '-c', receiver(inline));
        await peer.says('ready');
        const end = StackEnd.connect(world.host, 5001);
        await end.heard('established');
        end.connection.setNoDelay(true);
        end.connection.send(text.encode('abc'));
        end.connection.sendUrgent(text.encode('de!'));
        await until(() => end.connection.bytesQueued === 0, 'the ACK');
        end.connection.send(text.encode('fgh'));
        end.connection.shutdown();
        const { output, errors } = await peer.ended;
        expect(errors).toBe('');
        expect(output.trim().split('\n').at(-1)).toBe(inline ? 'abcde!fgh' : 'abcdefgh !');
      }));
  }

  it('of the kernel is told to our program, and stays in line', () =>
    withWorld({ name: 'urgent-from-kernel' }, async (world) => {
      const accepted = StackEnd.accept(world.host, 5001);
      const peer = world.start('python3', '-c', SENDER);
      const end = await accepted;
      await end.heard('urgent');
      const { bytes } = await end.receive();
      expect(bytes).toBe(9);
      end.connection.shutdown();
      expect((await peer.ended).errors).toBe('');
    }));
});
