import type { Host } from '../../../stack/host.ts';
import type { TcpDuplex } from '../../../socket-api/node/duplex.ts';
import { type DuplexServer, listenDuplex } from '../../../socket-api/node/duplex-server.ts';

/** What a scripted backend answers to the text of a query: rows of one column, or an error. */
export type Script = (
  query: string,
) => { readonly column: string; readonly rows: readonly string[] } | string;

/** As much of PostgreSQL's protocol 3.0 as a simple query needs: start-up, authentication, query, end. */
export function postgresBackend(host: Host, port: number, script: Script): DuplexServer {
  return listenDuplex(host, { port, noDelay: true }, (duplex) => {
    let input: Buffer = Buffer.alloc(0);
    let started = false;
    duplex.on('error', () => undefined);
    duplex.on('data', (chunk: Buffer) => {
      input = Buffer.concat([input, chunk]);
      for (;;) {
        const header = started ? 1 : 0; // the first message has no type
        if (input.length < header + 4) return;
        const length = header + input.readInt32BE(header);
        if (input.length < length) return;
        const type = started ? String.fromCharCode(input[0] ?? 0) : 'startup';
        const body = input.subarray(header + 4, length);
        input = input.subarray(length);
        started = true;
        respond(duplex, type, body, script);
      }
    });
  });
}

function respond(duplex: TcpDuplex, type: string, body: Buffer, script: Script): void {
  if (type === 'startup') {
    duplex.write(Buffer.concat([message('R', int32(0)), parameter('server_version', '17.0'), ready()]));
  } else if (type === 'Q') {
    const answer = script(text(body));
    duplex.write(Buffer.concat([...(typeof answer === 'string' ? failure(answer) : rows(answer)), ready()]));
  } else if (type === 'X') {
    duplex.end();
  }
}

function text(body: Buffer): string {
  return body.subarray(0, body.indexOf(0)).toString();
}

function rows({ column, rows }: { readonly column: string; readonly rows: readonly string[] }): Buffer[] {
  const field = Buffer.concat([
    cstring(column),
    int32(0),
    int16(0),
    int32(25),
    int16(-1),
    int32(-1),
    int16(0),
  ]);
  const data = rows.map((value) =>
    message('D', Buffer.concat([int16(1), int32(value.length), Buffer.from(value)])),
  );
  return [
    message('T', Buffer.concat([int16(1), field])),
    ...data,
    message('C', cstring(`SELECT ${rows.length}`)),
  ];
}

function failure(text: string): Buffer[] {
  const fields = ['SERROR', 'C42601', `M${text}`].map((field) => cstring(field));
  return [message('E', Buffer.concat([...fields, Buffer.from([0])]))];
}

function message(type: string, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from(type), int32(body.length + 4), body]);
}

function parameter(name: string, value: string): Buffer {
  return message('S', Buffer.concat([cstring(name), cstring(value)]));
}

function ready(): Buffer {
  return message('Z', Buffer.from('I'));
}

function cstring(value: string): Buffer {
  return Buffer.from(`${value}\0`);
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
}
