import type { TcbVariables, TraceEvent } from '../stack/trace.ts';

/** Folded variables by connection: key `host connection`. Maps are replaced, never changed, once they are in a snapshot. */
type Variables = ReadonlyMap<string, Partial<TcbVariables>>;

interface Change {
  /** How many events came before this one. */
  readonly index: number;
  readonly key: string;
  readonly changes: Partial<TcbVariables>;
}

interface Snapshot {
  /** After so many changes. */
  readonly changes: number;
  readonly variables: Variables;
}

const BETWEEN_SNAPSHOTS = 256;

/**
 * The variables of every connection after any event of a trace: changes folded forward, from the nearest snapshot before.
 * Nothing is ever undone.
 */
export class TraceFold {
  readonly #changes: Change[] = [];
  readonly #snapshots: Snapshot[] = [{ changes: 0, variables: new Map() }];
  readonly #present: Map<string, Partial<TcbVariables>> = new Map();
  #length: number = 0;

  /** The next event of the trace. */
  push(event: TraceEvent): void {
    if (event.type === 'variables') {
      const key = keyOf(event.host, event.connection);
      this.#changes.push({ index: this.#length, key, changes: event.changes });
      this.#present.set(key, { ...this.#present.get(key), ...event.changes });
      if (this.#changes.length % BETWEEN_SNAPSHOTS === 0) {
        // A shallow copy is enough: a connection's record is replaced at each change.
        this.#snapshots.push({ changes: this.#changes.length, variables: new Map(this.#present) });
      }
    }
    this.#length += 1;
  }

  /** How many events there were. */
  get length(): number {
    return this.#length;
  }

  /** A connection's variables after the last event; undefined until its trace has given all of them. */
  tcb(host: string, connection: number): TcbVariables | undefined {
    return whole(this.#present.get(keyOf(host, connection)));
  }

  /** The variables as they were after the first `count` events (0: before any). */
  at(count: number): FoldedTrace {
    const changes = this.#changesBefore(count);
    const snapshot = this.#snapshots[Math.floor(changes / BETWEEN_SNAPSHOTS)];
    const variables = new Map(snapshot?.variables);
    for (let i = snapshot?.changes ?? 0; i < changes; i++) {
      const change = this.#changes[i];
      if (change !== undefined)
        variables.set(change.key, { ...variables.get(change.key), ...change.changes });
    }
    return { tcb: (host, connection) => whole(variables.get(keyOf(host, connection))) };
  }

  /** How many changes there are among the first `count` events: binary search. */
  #changesBefore(count: number): number {
    let low = 0;
    let high = this.#changes.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#changes[middle]?.index ?? 0) < count) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** The variables of all connections at one point of a trace. */
export interface FoldedTrace {
  /** A connection's variables; undefined if it had not begun. */
  tcb(host: string, connection: number): TcbVariables | undefined;
}

function keyOf(host: string, connection: number): string {
  return `${connection} ${host}`;
}

/** A connection's first event has all variables; one without a state is not whole yet. */
function whole(variables: Partial<TcbVariables> | undefined): TcbVariables | undefined {
  return variables !== undefined && isWhole(variables) ? variables : undefined;
}

function isWhole(variables: Partial<TcbVariables>): variables is TcbVariables {
  return variables.state !== undefined && variables.cwnd !== undefined;
}
