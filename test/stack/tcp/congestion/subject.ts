import { type TcpSettings, settings } from '../../../../stack/settings.ts';
import { congestionControl } from '../../../../stack/tcp/congestion/choice.ts';
import type { AckSample, CongestionControl } from '../../../../stack/tcp/congestion/congestion-control.ts';
import { DeliveryRate, rateRecord } from '../../../../stack/tcp/delivery-rate.ts';
import { type SeqNumber, add, seq } from '../../../../stack/tcp/sequence.ts';
import { type Duration, type Instant, after, ms } from '../../../../stack/time.ts';
import { ackSample, seeded } from './samples.ts';

/** The algorithms by their names. */
export type Algorithm = TcpSettings['congestion'];

/** An algorithm on a path of 100 ms that loses nothing unless told to. */
export class Subject {
  readonly control: CongestionControl;
  readonly rate: DeliveryRate = new DeliveryRate();
  now: Instant = 0 as Instant;
  rtt: Duration = ms(100);
  #una: number = 0;

  constructor(congestion: Algorithm, tcp: Partial<TcpSettings> = {}) {
    this.control = congestionControl(settings({ tcp: { ...tcp, congestion } }).tcp, seeded(1), this.rate);
  }

  /** The handshake is over; `smss` 1,000 if nothing else is said. */
  open(smss: number = 1_000, synLost: boolean = false): this {
    this.control.established(smss, synLost, this.now, this.rtt, true);
    return this;
  }

  /** Lets time pass. */
  wait(by: Duration): this {
    this.now = after(this.now, by);
    return this;
  }

  /** `bytes` go out and are acknowledged one round-trip time later. */
  round(bytes: number, changes: Partial<AckSample> = {}): this {
    const record = rateRecord();
    this.control.segmentSent?.(0, this.now);
    this.rate.onSent(record, bytes, this.now, 0);
    this.wait(this.rtt);
    this.rate.onDelivered(record, bytes, this.now);
    return this.ack(bytes, { rate: this.rate.sample(this.rtt), ...changes });
  }

  /** SND.UNA. */
  get una(): SeqNumber {
    return add(seq(0), this.#una % 2 ** 31);
  }

  /** An ACK for `bytes` comes now. */
  ack(bytes: number, changes: Partial<AckSample> = {}): this {
    this.#una += bytes;
    const seqAcked = add(seq(0), this.#una % 2 ** 31);
    const { now, rtt } = this;
    const times = { now, rtt, srtt: rtt, minRtt: rtt };
    const sample = ackSample(bytes, { ...times, seqAcked, seqSent: add(seqAcked, bytes), ...changes });
    this.control.sampled?.(sample);
    this.control.acknowledged(sample);
    return this;
  }

  /** `count` ACKs for one segment each, all now. */
  acks(count: number, changes: Partial<AckSample> = {}): this {
    for (let done = 0; done < count; done++) this.ack(1_000, changes);
    return this;
  }

  /** A loss is found with `flight` bytes out. */
  loss(flight: number = this.control.cwnd): this {
    this.control.enterRecovery(flight, this.now, 'loss');
    return this;
  }

  /** The retransmission timer goes off with `flight` bytes out. */
  timeout(flight: number = this.control.cwnd, first: boolean = true): this {
    this.control.timeout(flight, first, this.now);
    return this;
  }
}
