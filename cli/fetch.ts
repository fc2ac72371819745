import { execFile } from 'node:child_process';
import type { SocketApi } from '../socket-api/types.ts';
import { CliError } from './failure.ts';
import { insideNamespace, isInstalled } from './namespace.ts';

/** How a page is fetched, and what came of it. */
export interface Fetcher {
  /** The command as a person would type it, or what is done instead. */
  readonly command: string;
  /** For trying it by hand; undefined where that cannot be. */
  readonly byHand: string | undefined;
  fetch(): Promise<{ readonly failed: boolean; readonly output: string }>;
}

const TIMEOUT_MS = 15_000;

/** For systems without curl: the kernel's TCP all the same. */
const PLAIN_CLIENT = `
const [host, port] = process.argv.slice(1);
require('node:net').connect(Number(port), host)
  .on('connect', function () { this.write('GET / HTTP/1.1\\r\\nHost: ' + host + '\\r\\nConnection: close\\r\\n\\r\\n'); })
  .on('error', (error) => { console.error(error.message); process.exitCode = 1; })
  .pipe(process.stdout);`;

/** Fetches with the kernel's TCP from inside the namespace: with curl, or a few lines of Node. @throws CliError */
export function kernelFetcher(namespace: string, host: string, port: number): Fetcher {
  const inside = insideNamespace(namespace);
  if (inside === undefined)
    throw new CliError('nsenter (util-linux) or ip (iproute2) is needed to get inside.');
  const url = port === 80 ? `http://${host}/` : `http://${host}:${port}/`;
  if (isInstalled('curl')) {
    const command = [...inside, 'curl', '-sSi', url].join(' ');
    const proxied = Object.keys(process.env).some((name) => /^(http|all)_proxy$/i.test(name));
    const byHand = `sudo ${[...inside, 'curl', ...(proxied ? ["--noproxy '*'"] : []), url].join(' ')}`;
    // -q: no ~/.curlrc.
    const words = [...inside, 'curl', '-q', '-sSi', '--noproxy', '*', '--max-time', '10', url];
    return { command, byHand, fetch: () => runProgram(words) };
  }
  const words = [...inside, process.execPath, '-e', PLAIN_CLIENT, host, String(port)];
  const command = `curl is not installed; a plain client of Node's in namespace ${namespace} fetches ${url}`;
  return { command, byHand: `sudo ${inside.join(' ')} sh`, fetch: () => runProgram(words) };
}

function runProgram(words: readonly string[]): ReturnType<Fetcher['fetch']> {
  const [program = '', ...rest] = words;
  return new Promise((resolve) => {
    execFile(program, rest, { timeout: TIMEOUT_MS }, (error, stdout, stderr) => {
      resolve({ failed: error !== null, output: `${stdout}${stderr}` });
    });
  });
}

/** Fetches through Bun's API on another host of ours. */
export function wireFetcher(client: SocketApi, host: string, port: number): Fetcher {
  return {
    command: `GET http://${host}/ by Bun.connect on the second host`,
    byHand: undefined,
    fetch: async () => {
      try {
        return { failed: false, output: await get(client, host, port) };
      } catch (error) {
        return { failed: true, output: error instanceof Error ? error.message : String(error) };
      }
    },
  };
}

/** The whole answer to a GET, head and body. */
function get(client: SocketApi, hostname: string, port: number): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  return new Promise((resolve, reject) => {
    client
      .connect({
        hostname,
        port,
        socket: {
          open: (socket) => {
            socket.write(`GET / HTTP/1.1\r\nHost: ${hostname}\r\nConnection: close\r\n\r\n`);
          },
          data: (_socket, chunk) => {
            text += decoder.decode(chunk, { stream: true });
          },
          close: (_socket, error) => (error === undefined ? resolve(text) : reject(error)),
        },
      })
      .catch(reject);
  });
}
