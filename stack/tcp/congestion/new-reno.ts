import type { AckSample, CongestionDetails } from './congestion-control.ts';
import { WindowBased } from './window-based.ts';

/** Slow start, congestion avoidance and NewReno's fast recovery: RFC 5681, RFC 6582 [RFC 9293 MUST-19], with byte counting by RFC 3465. */
export class NewReno extends WindowBased {
  readonly name: string = 'newreno';
  /** Bytes acknowledged in congestion avoidance since cwnd last grew [RFC 3465 2.1]. */
  #bytesAcked: number = 0;

  protected avoid({ acked }: AckSample): void {
    this.#bytesAcked += Math.min(acked, this.cwnd); // one segment per ACK at most, and nothing saved up
    if (this.#bytesAcked < this.cwnd) return;
    this.#bytesAcked -= this.cwnd;
    this.cwnd += this.smss;
  }

  /** Half of what was out [RFC 5681 3.1, equation 4]. */
  protected reduced(flightSize: number): number {
    return Math.floor(flightSize / 2);
  }

  protected unused(): void {
    // The bytes count from where they were.
  }

  protected congested(): void {
    this.#bytesAcked = 0;
  }

  protected slowStarted(): void {
    this.#bytesAcked = 0;
  }

  protected restored(): void {
    this.#bytesAcked = 0;
  }

  details(): CongestionDetails {
    return { phase: this.phase, bytesAcked: this.#bytesAcked };
  }
}
