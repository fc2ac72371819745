/** The option `fastOpen` of `listen` and `connect`; not in Bun's API. */

import type { FastOpenConnect } from '../stack/tcp/fast-open-client.ts';
import type { FastOpenListen } from '../stack/tcp/fast-open.ts';
import { invalidArgument, outOfRange } from './errors.ts';
import { isLazy, payloadOf } from './payload.ts';

/** Of `listen`. Throws TypeError, RangeError. */
export function fastOpenOfListen(given: unknown): FastOpenListen | undefined {
  const fields = fieldsOf(given);
  if (fields === undefined) return undefined;
  const { queue, cookies } = fields;
  if (queue !== undefined && typeof queue !== 'number')
    throw invalidArgument('Expected "fastOpen.queue" to be a number of connections');
  if (queue !== undefined && !(Number.isInteger(queue) && queue >= 0))
    throw outOfRange('fastOpen.queue', 0, undefined, queue);
  return { ...(queue === undefined ? {} : { queue }), cookies: cookies !== false };
}

/** Of `connect`; the data is copied. Throws TypeError. */
export function fastOpenOfConnect(given: unknown): FastOpenConnect | undefined {
  const fields = fieldsOf(given);
  if (fields === undefined) return undefined;
  const payload = payloadOf(fields['data'], undefined, undefined);
  if (isLazy(payload))
    throw invalidArgument('Expected "fastOpen.data" to be bytes or a string: a Blob comes too late');
  return { data: payload.bytes.slice(payload.from, payload.to), cookie: fields['cookie'] !== false };
}

function fieldsOf(given: unknown): { readonly [key: string]: unknown } | undefined {
  if (given === undefined || given === null || given === false) return undefined;
  if (given === true) return {};
  if (typeof given !== 'object') throw invalidArgument('Expected "fastOpen" to be a boolean or an object');
  return given as { readonly [key: string]: unknown };
}
