import { CoDel } from './codel.ts';
import { DropTail } from './drop-tail.ts';
import { FqCoDel } from './fq-codel.ts';
import type { Queue, QueueEnvironment, QueueOptions } from './queue.ts';
import { Red } from './red.ts';

/** The queue that `options` describe; drop-tail of 1000 packets without any. */
export function makeQueue(options: QueueOptions | undefined, environment: QueueEnvironment): Queue {
  switch (options?.discipline) {
    case 'red':
      return new Red(options, environment);
    case 'codel':
      return new CoDel(options, environment);
    case 'fq-codel':
      return new FqCoDel(options, environment);
    default:
      return new DropTail(options ?? {}, environment);
  }
}
