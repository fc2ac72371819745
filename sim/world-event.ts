import type { TraceEvent } from '../stack/trace.ts';
import type { LinkEvent } from './link/link-event.ts';

/** Everything that happens in a world: what its hosts trace, and what its links do. */
export type WorldEvent = TraceEvent | LinkEvent;

/** Whether a host tells it. */
export function isHostEvent(event: WorldEvent): event is TraceEvent {
  return event.type !== 'link-loss' && event.type !== 'link';
}

/** The event with copies of the bytes that are only valid while it is told. */
export function keptEvent(event: WorldEvent): WorldEvent {
  if (event.type === 'frame' || event.type === 'link-loss') {
    const bytes = event.bytes.slice(event.head, event.tail);
    return { ...event, bytes, head: 0, tail: bytes.length };
  }
  if (event.type === 'call' && event.data !== undefined) return { ...event, data: event.data.slice() };
  return event;
}
