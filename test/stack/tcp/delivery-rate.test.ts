import { expect, it } from 'vitest';
import { DeliveryRate, type RateRecord, rateRecord } from '../../../stack/tcp/delivery-rate.ts';
import { type Instant, ms } from '../../../stack/time.ts';

const at = (milliseconds: number): Instant => ms(milliseconds) as number as Instant;

/** Sends 1,000 bytes at `when` milliseconds with `inFlight` bytes out before it. */
function send(rate: DeliveryRate, when: number, inFlight: number): RateRecord {
  const record = rateRecord();
  rate.onSent(record, 1_000, at(when), inFlight);
  return record;
}

it('notes of each transmission what was delivered and in flight when it left [draft-ietf-ccwg-bbr 4.1.2.2]', () => {
  const rate = new DeliveryRate();
  const first = send(rate, 10, 0);
  expect(first).toMatchObject({
    delivered: 0,
    txInFlight: 1_000,
    firstSentAt: at(10),
    deliveredAt: at(10),
    appLimited: false,
  });
  rate.onDelivered(first, 1_000, at(60));
  rate.onLost(500);
  expect(send(rate, 61, 4_000)).toMatchObject({
    ...{
      delivered: 1_000,
      txInFlight: 5_000,
      firstSentAt: at(10),
      deliveredAt: at(60),
      sentAt: at(61),
      lost: 500,
    },
    order: first.order + 1,
  });
});

it('measures by ACKs: what was delivered since the newest packet left [draft-ietf-ccwg-bbr 4.1.1.2.1]', () => {
  const rate = new DeliveryRate();
  const records = [0, 1, 2, 3].map((n) => send(rate, n, n * 1_000));
  for (const [index, record] of records.entries()) rate.onDelivered(record, 1_000, at(100 + 10 * index));
  expect(rate.sample(ms(100))).toEqual({
    deliveryRate: (4_000 * 1_000) / 130,
    ...{
      delivered: 4_000,
      interval: ms(130),
      priorDelivered: 0,
      appLimited: false,
      txInFlight: 4_000,
      rtt: ms(127),
      lost: 0,
    },
  });
});

it('is not faster than what was sent: ACKs that were held up and come at once [draft-ietf-ccwg-bbr 4.1.1.2.3]', () => {
  const rate = new DeliveryRate();
  const records = [0, 100, 200].map((n, index) => send(rate, n, index * 1_000));
  for (const record of records) rate.onDelivered(record, 1_000, at(240));
  // The send interval of the newest is 200 ms, its ACK interval 240 ms.
  expect(rate.sample(ms(40))?.deliveryRate).toBeCloseTo((3_000 * 1_000) / 240, 6);
  const late = [250, 450].map((n, index) => send(rate, n, index * 1_000));
  rate.onDelivered(late[0] ?? rateRecord(), 1_000, at(460));
  rate.onDelivered(late[1] ?? rateRecord(), 1_000, at(460));
  expect(rate.sample(ms(10))?.interval).toBe(ms(210));
});

it('takes the newest of the packets that one ACK covers, in whatever order they come [draft-ietf-ccwg-bbr 4.1.2.3]', () => {
  const rate = new DeliveryRate();
  const old = send(rate, 0, 0);
  const retransmitted = send(rate, 50, 1_000);
  rate.onDelivered(retransmitted, 1_000, at(100));
  rate.onDelivered(old, 1_000, at(100));
  expect(rate.sample(ms(10))).toMatchObject({ txInFlight: 2_000, delivered: 2_000, interval: ms(100) });
});

it('counts a super-segment that is acknowledged in parts', () => {
  const rate = new DeliveryRate();
  const record = send(rate, 0, 0);
  rate.onDelivered(record, 400, at(10));
  expect(rate.sample(undefined)?.delivered).toBe(400);
  rate.onDelivered(record, 600, at(20));
  expect(rate.sample(undefined)).toMatchObject({ delivered: 1_000, interval: ms(20) });
});

it('has no sample for an ACK that delivers nothing, and no rate from an interval below the smallest round trip [draft-ietf-ccwg-bbr 4.1.2.3]', () => {
  const rate = new DeliveryRate();
  expect(rate.sample(undefined)).toBeUndefined();
  rate.onDelivered(send(rate, 0, 0), 1_000, at(10));
  expect(rate.sample(ms(11))).toMatchObject({ deliveryRate: 0, delivered: 1_000 });
  rate.onDelivered(send(rate, 20, 0), 1_000, at(20));
  expect(rate.sample(ms(0))).toMatchObject({ deliveryRate: 0 });
});

it('tells no round-trip time of what left twice [RFC 6298 3; draft-ietf-ccwg-bbr 4.2]', () => {
  const rate = new DeliveryRate();
  const record: RateRecord = { ...rateRecord(), retransmissions: 1 };
  rate.onSent(record, 1_000, at(0), 0);
  rate.onDelivered(record, 1_000, at(10));
  expect(rate.sample(undefined)).toMatchObject({ rtt: undefined, interval: ms(10) });
});

it('tells what was lost since the packet left [draft-ietf-ccwg-bbr 2.3, RS.lost]', () => {
  const rate = new DeliveryRate();
  rate.onLost(3_000);
  const record = send(rate, 0, 0);
  rate.onLost(2_000);
  rate.onDelivered(record, 1_000, at(10));
  expect(rate.sample(undefined)?.lost).toBe(2_000);
});

it('marks the samples of a round trip after the program had nothing to send [draft-ietf-ccwg-bbr 4.1.2.4]', () => {
  const rate = new DeliveryRate();
  const before = send(rate, 0, 0);
  rate.checkAppLimited(0, 1_000, 10_000, 0);
  expect(rate.appLimited).toBe(true);
  const during = send(rate, 1, 1_000);
  expect([before.appLimited, during.appLimited]).toEqual([false, true]);
  rate.onDelivered(before, 1_000, at(10));
  expect(rate.sample(undefined)?.appLimited).toBe(false);
  expect(rate.appLimited).toBe(true); // the bubble is still under way
  rate.onDelivered(during, 1_000, at(11));
  expect(rate.sample(undefined)?.appLimited).toBe(true);
  expect(rate.appLimited).toBe(false);
});

it.each([
  ['data waits', 1, 0, 0],
  ['the window is full', 0, 10_000, 0],
  ['something has to be sent again', 0, 0, 1_000],
])(
  'is not limited by the program while %s [draft-ietf-ccwg-bbr 4.1.2.4]',
  (_why, unsent, inFlight, lostOut) => {
    const rate = new DeliveryRate();
    rate.checkAppLimited(unsent, inFlight, 10_000, lostOut);
    expect(rate.appLimited).toBe(false);
  },
);

it('notes an idle connection as limited, though nothing was delivered and nothing is out [draft-ietf-ccwg-bbr 4.1.2.4]', () => {
  const rate = new DeliveryRate();
  rate.checkAppLimited(0, 0, 10_000, 0);
  expect(rate.appLimited).toBe(true);
});
