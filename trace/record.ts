import type { TraceEvent, Tracer } from '../stack/trace.ts';

/** Keeps the events, in order. */
export class TraceRecord {
  readonly #events: TraceEvent[] = [];

  /** To be installed as a host's tracer; several hosts may share one record. */
  readonly tracer: Tracer = (event) => {
    this.#events.push(kept(event));
  };

  /** All events so far. */
  get events(): readonly TraceEvent[] {
    return this.#events;
  }

  /** Forgets the events so far. */
  clear(): void {
    this.#events.length = 0;
  }
}

/** The event with copies of the bytes that are only valid during the tracer's call. */
export function kept(event: TraceEvent): TraceEvent {
  if (event.type === 'frame') {
    return {
      ...event,
      bytes: event.bytes.slice(event.head, event.tail),
      head: 0,
      tail: event.tail - event.head,
    };
  }
  if (event.type === 'call' && event.data !== undefined) return { ...event, data: event.data.slice() };
  return event;
}
