import type { TcpSettings } from '../settings.ts';
import { type Duration, type Instant, us } from '../time.ts';
import { WindowedMin } from './windowed-min.ts';

/** Measures the round-trip time and computes the retransmission timeout: RFC 6298 [RFC 9293 MUST-18]. */
export class RttEstimator {
  /** Smoothed round-trip time; undefined before the first measurement. */
  srtt: Duration | undefined;
  /** Its mean deviation. */
  rttvar: Duration | undefined;
  /** SRTT + max(G, 4 RTTVAR), before floor and ceiling. */
  computedRto: Duration;
  /** The timeout in use: clamped, and doubled for each expiry since the last measurement. */
  rto: Duration;
  /** The last sample. */
  lastSample: Duration = us(0);
  readonly #settings: TcpSettings;
  readonly #smallest: WindowedMin;

  constructor(settings: TcpSettings) {
    this.#settings = settings;
    this.#smallest = new WindowedMin(settings.minRttWindow);
    this.computedRto = settings.initialRto; // RFC 6298 2.1
    this.rto = settings.initialRto;
  }

  /** The smallest round-trip time of the last minutes [RFC 8985 6.2, step 1]; undefined before the first. */
  get minRtt(): Duration | undefined {
    return this.#smallest.value;
  }

  /**
   * Takes a measurement. `samplesPerRtt`: how many are expected per round trip; with more than one the gains are scaled down
   * [RFC 7323 4.2, appendix G].
   */
  sample(measured: Duration, now: Instant, samplesPerRtt: number = 1): void {
    const { granularity, minRto, maxRto } = this.#settings;
    this.lastSample = measured;
    this.#smallest.add(measured, now);
    if (this.srtt === undefined || this.rttvar === undefined) {
      this.srtt = measured; // RFC 6298 2.2
      this.rttvar = us(measured / 2);
    } else {
      const beta = 1 / 4 / samplesPerRtt;
      const alpha = 1 / 8 / samplesPerRtt;
      // RFC 6298 2.3: RTTVAR first, with the old SRTT. Fractions of a microsecond are kept so that small gains add up.
      this.rttvar = ((1 - beta) * this.rttvar + beta * Math.abs(this.srtt - measured)) as Duration;
      this.srtt = ((1 - alpha) * this.srtt + alpha * measured) as Duration;
    }
    this.computedRto = us(this.srtt + Math.max(granularity, 4 * this.rttvar));
    this.rto = us(Math.min(Math.max(this.computedRto, minRto), maxRto)); // RFC 6298 2.4, 2.5
  }

  /** The timer went off: doubles the timeout [RFC 6298 5.5], up to `ceiling`. */
  backOff(ceiling: Duration = this.#settings.maxRto): void {
    this.rto = us(Math.min(this.rto * 2, ceiling));
  }

  /** The SYN had to be sent again and nothing was measured: 3 s to begin data with [RFC 6298 5.7]. */
  synWasRetransmitted(): void {
    if (this.srtt === undefined) this.rto = us(Math.max(3_000_000, this.#settings.minRto));
  }
}
