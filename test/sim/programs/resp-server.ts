import type { Host } from '../../../stack/host.ts';
import { type DuplexServer, listenDuplex } from '../../../socket-api/node/duplex-server.ts';

/** A RESP2 server with GET, SET, PING, INFO and a few words of politeness, on a host of the stack. */
export function respServer(host: Host, port: number): DuplexServer {
  const store = new Map<string, string>();
  return listenDuplex(host, { port, noDelay: true }, (duplex) => {
    let input = '';
    duplex.on('error', () => undefined);
    duplex.on('data', (chunk: Buffer) => {
      input += chunk.toString('latin1');
      for (;;) {
        const command = commandIn(input);
        if (command === undefined) return;
        input = input.slice(command.length);
        duplex.write(answer(store, command.words));
      }
    });
  });
}

function commandIn(
  input: string,
): { readonly words: readonly string[]; readonly length: number } | undefined {
  const head = /^\*(\d+)\r\n/.exec(input);
  if (head === null) return undefined;
  let at = head[0].length;
  const words: string[] = [];
  for (let count = Number(head[1]); count > 0; count--) {
    const size = /^\$(\d+)\r\n/.exec(input.slice(at));
    if (size === null) return undefined;
    at += size[0].length;
    const end = at + Number(size[1]);
    if (input.length < end + 2) return undefined;
    words.push(input.slice(at, end));
    at = end + 2;
  }
  return { words, length: at };
}

function answer(store: Map<string, string>, [name = '', key = '', value = '']: readonly string[]): string {
  switch (name.toLowerCase()) {
    case 'ping':
      return '+PONG\r\n';
    case 'info':
      return bulk('# Server\r\nredis_version:7.0.15\r\nloading:0\r\n');
    case 'set':
      store.set(key, value);
      return '+OK\r\n';
    case 'get':
      return bulk(store.get(key));
    case 'quit':
    case 'client':
      return '+OK\r\n';
    default:
      return `-ERR unknown command '${name}'\r\n`;
  }
}

function bulk(text: string | undefined): string {
  return text === undefined ? '$-1\r\n' : `$${text.length}\r\n${text}\r\n`;
}
