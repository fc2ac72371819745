import { type Random, randomBelow } from '../../../../stack/random.ts';
import { type TcpSettings, settings } from '../../../../stack/settings.ts';
import { congestionControl } from '../../../../stack/tcp/congestion/choice.ts';
import type { CongestionControl } from '../../../../stack/tcp/congestion/congestion-control.ts';
import { DeliveryRate, type RateRecord, rateRecord } from '../../../../stack/tcp/delivery-rate.ts';
import { Pacer } from '../../../../stack/tcp/pacer.ts';
import { add, seq } from '../../../../stack/tcp/sequence.ts';
import { type Duration, type Instant, ms, us } from '../../../../stack/time.ts';
import { seeded } from './samples.ts';

/** A path with one bottleneck. */
export interface PathShape {
  /** Bytes per second at the bottleneck; may be changed while it runs. */
  rate: number;
  /** Round trip without a queue. */
  readonly rtt: Duration;
  /** Bytes the bottleneck queues. */
  readonly buffer: number;
  /** Losses by chance, per 10,000 packets. */
  loss: number;
  /** The receiver acknowledges every so many packets (and what is late after 5 ms at the latest). */
  readonly ackEvery: number;
}

/** Payload of every packet; headers take nothing here. */
export const MSS = 1_000;

interface Transmission {
  /** Which packet's worth of data. */
  readonly packet: number;
  readonly record: RateRecord;
  state: 'out' | 'delivered' | 'lost';
  readonly again: boolean;
}

interface Ack {
  readonly at: Instant;
  readonly transmissions: Transmission[];
}

/**
 * A sender with an algorithm of the stack, its `DeliveryRate` and `Pacer`, and a loss recovery as good as SACK and RACK make it, over a
 * bottleneck. It replaces the connection, so that a test shows what the algorithm does and nothing else.
 */
export class Path {
  now: Instant = 0 as Instant;
  readonly shape: PathShape;
  readonly control: CongestionControl;
  readonly rate: DeliveryRate = new DeliveryRate();
  /** Bytes in flight. */
  inFlight: number = 0;
  /** Bytes delivered for the first time. */
  goodput: number = 0;
  /** Packets sent again. */
  retransmissions: number = 0;
  /** Bytes the program has yet to send; infinite: it never ends. */
  backlog: number = Number.POSITIVE_INFINITY;
  /** Called after every ACK. */
  watch: (() => void) | undefined;
  readonly #pacer: Pacer;
  readonly #random: Random;
  #out: Transmission[] = [];
  #toResend: number[] = [];
  readonly #delivered: Set<number> = new Set();
  #una: number = 0;
  #next: number = 0;
  #recoverUntil: number | undefined;
  #timeoutUntil: number = -1;
  #acks: Ack[] = [];
  #linkFree: number = 0;
  #srtt: Duration | undefined;
  #minRtt: Duration | undefined;
  #progressAt: Instant = 0 as Instant;

  constructor(shape: Partial<PathShape>, tcp: Partial<TcpSettings>, seed: number = 1) {
    this.shape = { rate: 1_250_000, rtt: ms(40), buffer: 100_000, loss: 0, ackEvery: 1, ...shape };
    this.#random = seeded(seed);
    const values = settings({ tcp }).tcp;
    this.#pacer = new Pacer(values);
    this.control = congestionControl(values, this.#random, this.rate);
    this.control.established(MSS, false, this.now, this.shape.rtt, true);
    this.#srtt = this.shape.rtt;
    this.#minRtt = this.shape.rtt;
  }

  /** Bytes queued at the bottleneck now. */
  get queue(): number {
    return Math.max(0, ((this.#linkFree - this.now) * this.shape.rate) / 1_000_000);
  }

  /** The bandwidth-delay product. */
  get bdp(): number {
    return (this.shape.rate * this.shape.rtt) / 1_000_000;
  }

  /** The program writes `bytes`. */
  write(bytes: number): void {
    this.#checkAppLimited();
    this.backlog += bytes;
  }

  /** Lets everything happen up to `until`. */
  run(until: Duration): void {
    const end = until as number as Instant;
    for (;;) {
      const paced = this.#send();
      const ack = this.#acks[0]?.at ?? Number.POSITIVE_INFINITY;
      const rto = this.inFlight > 0 ? this.#progressAt + 1_000_000 : Number.POSITIVE_INFINITY;
      const next = Math.min(paced, ack, rto);
      if (next > end) break;
      this.now = next as Instant;
      if (next === ack) this.#acknowledge();
      else if (next === rto) this.#timeout();
    }
    this.now = end;
  }

  get #unsent(): boolean {
    return this.#toResend.length > 0 || this.backlog >= MSS;
  }

  /** Sends what may leave; returns when the pacer lets the next one go. */
  #send(): number {
    while (this.#unsent && this.inFlight + MSS <= Math.max(this.control.cwnd, MSS)) {
      const at = this.#pacer.delayUntil(this.now);
      if (at > this.now) return at;
      this.#transmit();
    }
    return Number.POSITIVE_INFINITY;
  }

  #transmit(): void {
    const resent = this.#toResend.shift();
    const packet = resent ?? this.#next;
    if (resent === undefined) {
      this.#next += 1;
      this.backlog -= MSS;
    } else {
      this.retransmissions += 1;
    }
    const record = rateRecord();
    if (this.inFlight === 0) this.#progressAt = this.now;
    this.control.segmentSent?.(this.inFlight, this.now);
    this.rate.onSent(record, MSS, this.now, this.inFlight);
    this.#pacer.sent(MSS, this.now, this.#pacer.rate(this.control, this.#srtt), MSS);
    const transmission: Transmission = { packet, record, state: 'out', again: resent !== undefined };
    this.#out.push(transmission);
    this.inFlight += MSS;
    this.#enqueue(transmission);
  }

  /** The bottleneck takes it or drops it. */
  #enqueue(transmission: Transmission): void {
    if (this.queue + MSS > this.shape.buffer) return;
    if (randomBelow(this.#random, 10_000) < this.shape.loss) return;
    this.#linkFree = Math.max(this.#linkFree, this.now) + (MSS * 1_000_000) / this.shape.rate;
    const at = Math.round(this.#linkFree + this.shape.rtt) as Instant;
    const last = this.#acks.at(-1);
    const gathers =
      last !== undefined && last.transmissions.length < this.shape.ackEvery && at - last.at < 5_000;
    if (!gathers) {
      this.#acks.push({ at, transmissions: [transmission] });
      return;
    }
    this.#acks.pop();
    this.#acks.push({ at, transmissions: [...last.transmissions, transmission] });
  }

  #checkAppLimited(): void {
    const unsent = this.backlog >= MSS ? this.backlog : 0;
    this.rate.checkAppLimited(unsent, this.inFlight, this.control.cwnd, this.#toResend.length * MSS);
  }

  #acknowledge(): void {
    const ack = this.#acks.shift();
    if (ack === undefined) return;
    this.#checkAppLimited();
    const priorInFlight = this.inFlight;
    const unaBefore = this.#una;
    let rtt: Duration | undefined;
    let newest = 0;
    let delivered = 0;
    for (const transmission of ack.transmissions) {
      newest = Math.max(newest, transmission.record.order);
      if (transmission.state === 'delivered') continue;
      if (transmission.state === 'out') this.inFlight -= MSS;
      transmission.state = 'delivered';
      this.rate.onDelivered(transmission.record, MSS, this.now);
      rtt = us(this.now - transmission.record.sentAt);
      delivered += MSS;
      if (!this.#delivered.has(transmission.packet)) this.goodput += MSS;
      this.#delivered.add(transmission.packet);
    }
    while (this.#delivered.has(this.#una)) this.#delivered.delete(this.#una++);
    if (rtt !== undefined) {
      this.#srtt = us(((this.#srtt ?? rtt) * 7 + rtt) / 8);
      this.#minRtt = Math.min(this.#minRtt ?? rtt, rtt) as Duration;
      this.#progressAt = this.now;
    }
    const lost = this.#findLosses(newest);
    const acked = (this.#una - unaBefore) * MSS;
    const { cwnd, ssthresh } = this.control;
    const inAvoidance = cwnd >= ssthresh;
    const sample = {
      now: this.now,
      acked,
      delivered,
      lost,
      inFlight: this.inFlight,
      priorInFlight,
      srtt: this.#srtt,
      minRtt: this.#minRtt,
      rtt,
      rto: ms(1_000),
      limited: inAvoidance ? priorInFlight + MSS > cwnd - MSS : priorInFlight * 2 > cwnd,
      afterTimeout: unaBefore <= this.#timeoutUntil,
      seqAcked: add(seq(0), this.#una * MSS),
      seqSent: add(seq(0), this.#next * MSS),
      rate: this.rate.sample(this.#minRtt),
    };
    this.control.sampled?.(sample);
    this.#recover(sample.acked, () => this.control.acknowledged(sample));
    this.watch?.();
  }

  /** What left three transmissions before one that has arrived is lost. */
  #findLosses(newest: number): number {
    let lost = 0;
    for (const transmission of this.#out) {
      if (transmission.state !== 'out') continue;
      if (transmission.record.order > newest - 3) break;
      lost += this.#lose(transmission);
    }
    while (this.#out[0] !== undefined && this.#out[0].state !== 'out') this.#out.shift();
    if (lost > 0 && this.#recoverUntil === undefined) {
      this.#recoverUntil = this.#next;
      this.control.enterRecovery(this.inFlight + lost, this.now, 'loss');
      if (!this.control.ownsWindow) this.control.cwnd = this.control.ssthresh;
    }
    return lost;
  }

  #lose(transmission: Transmission): number {
    transmission.state = 'lost';
    this.inFlight -= MSS;
    this.rate.onLost(MSS);
    this.control.lost?.(transmission.record, MSS, this.now);
    this.#toResend.push(transmission.packet);
    return MSS;
  }

  #recover(acked: number, grow: () => void): void {
    if (this.#recoverUntil === undefined) {
      if (acked > 0) grow();
      return;
    }
    if (this.#una < this.#recoverUntil) return;
    this.#recoverUntil = undefined;
    if (this.control.ownsWindow) this.control.exitRecovery(this.inFlight);
  }

  #timeout(): void {
    this.#checkAppLimited();
    this.control.timeout(this.inFlight, true, this.now);
    this.#recoverUntil = undefined;
    this.#timeoutUntil = this.#next;
    for (const transmission of this.#out) if (transmission.state === 'out') this.#lose(transmission);
    this.#out = [];
    this.#progressAt = this.now;
  }
}
