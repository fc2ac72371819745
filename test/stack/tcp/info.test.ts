import { describe, expect, it } from 'vitest';
import type { TcpInfo } from '../../../stack/tcp/info.ts';
import { ms, seconds } from '../../../stack/time.ts';
import type { TcbVariables } from '../../../stack/trace.ts';
import { Bench } from './harness.ts';
import { Pair, Program } from './pair.ts';

const MSS = 1_000;

/** A bench with SACK, established at 100 ms, which is the round-trip time. */
function open(tcp: object = {}, window = 65_535): Bench {
  const bench = new Bench({ tcp: { congestion: 'newreno', ...tcp } }).connect().at(100);
  return bench.arrives(`<SEQ=0><ACK=1><CTL=SYN,ACK><WND=${window}><MSS=${MSS}><SACKOK>`).ignore();
}
const info = (bench: Bench): TcpInfo => bench.connection.tcpInfo();
const at = (segment: number): number => 1 + segment * MSS;
function ack(to: number, ...blocks: [number, number][]): string {
  const sack = blocks.map(([from, end]) => `${at(from)}-${at(end)}`).join(',');
  return `<SEQ=1><ACK=${at(to)}><CTL=ACK>${sack === '' ? '' : `<SACK=${sack}>`}`;
}

describe('tcp_info of a connection without data', () => {
  it('has the handshake: segments, options, the SYN delivered, the first round-trip time [RFC 6298 2.2; RFC 9293 3.9.1.6]', () => {
    const bench = open().at(150);
    expect(info(bench)).toMatchObject({
      state: 'ESTABLISHED',
      ca_state: 'Open',
      options: { timestamps: false, sack: true, wscale: false, ecn: false, ecn_seen: false },
      ...{ segs_in: 1, segs_out: 2, data_segs_in: 0, data_segs_out: 0, delivered: 1, unacked: 0 },
      ...{
        rtt: ms(100),
        rttvar: ms(50),
        rto: seconds(1),
        min_rtt: ms(100),
        snd_mss: MSS,
        rcv_mss: 536,
        advmss: 1_460,
      },
      ...{ snd_cwnd: 10, snd_ssthresh: undefined, snd_wnd: 65_535, rcv_wnd: 65_535, rcv_ssthresh: 65_535 },
      ...{ pmtu: 1_500, reordering: 3, reord_seen: 0, dsack_dups: 0, snd_wscale: 0, rcv_wscale: 0 },
      ...{ last_data_sent: ms(50), last_data_recv: ms(50), last_ack_recv: ms(50) },
      ...{
        busy_time: 0,
        rwnd_limited: 0,
        sndbuf_limited: 0,
        delivery_rate: 0,
        delivery_rate_app_limited: true,
      },
    });
  });

  it('keeps no counts of data [RFC 4898]', () => {
    expect(open().connection.counts.data).toBeUndefined();
  });

  it('counts a SYN that leaves again as a retransmission without bytes, and its timeout [RFC 6298 5.4]', () => {
    const bench = new Bench().connect().at(1_000).at(1_100);
    expect(info(bench)).toMatchObject({
      unacked: 1,
      total_retrans: 1,
      bytes_retrans: 0,
      total_rto: 1,
      delivered: 0,
    });
    bench.arrives('<SEQ=0><ACK=1><CTL=SYN,ACK><MSS=1000>');
    expect(info(bench)).toMatchObject({
      total_rto_recoveries: 1,
      total_rto_time: ms(100),
      retransmits: 0,
      segs_out: 3,
    });
  });

  it('counts keep-alive probes until they are answered [RFC 9293 3.8.4]', () => {
    const bench = open().does((each) =>
      each.setKeepAlive({ idle: seconds(2), interval: seconds(1), count: 5 }),
    );
    bench.at(3_200);
    expect(info(bench)).toMatchObject({ probes: 2, data_segs_out: 0, segs_out: 4 });
    bench.arrives(ack(0));
    expect(info(bench).probes).toBe(0);
  });
});

describe('tcp_info of a sender', () => {
  it('counts segments and bytes that are out, wait, and were acknowledged [RFC 4898]', () => {
    const bench = open().write(12_500).at(200);
    const out = { unacked: 10, data_segs_out: 10, bytes_sent: 10_000, notsent_bytes: 2_500, bytes_acked: 0 };
    expect(info(bench)).toMatchObject(out);
    bench.arrives(ack(3)).ignore();
    expect(info(bench)).toMatchObject({ bytes_acked: 3_000, delivered: 4, unacked: 9, notsent_bytes: 500 });
    expect(info(bench).last_data_sent).toBe(0);
  });

  it('counts the segments of the wire, whatever is cut by the device [RFC 4898]', () => {
    const pair = new Pair();
    const [client, server] = [new Program(1_000_000), new Program(0)];
    pair.connect(client, server).run(seconds(5));
    const sent = client.connection?.tcpInfo();
    const came = server.connection?.tcpInfo();
    expect(sent).toMatchObject({ bytes_sent: 1_000_000, bytes_acked: 1_000_000, total_retrans: 0 });
    expect(came).toMatchObject({ bytes_received: 1_000_000, data_segs_in: sent?.data_segs_out });
    expect(sent?.data_segs_out).toBeGreaterThanOrEqual(Math.ceil(1_000_000 / 1_460));
    expect([sent?.segs_in, sent?.segs_out]).toEqual([came?.segs_out, came?.segs_in]);
    expect(sent?.delivered).toBe((sent?.data_segs_out ?? 0) + 1); // and the SYN; the FIN came with the last
  });

  it('goes on where sequence numbers wrap: acknowledged bytes are counted, not subtracted', () => {
    const bench = open({ receiveBuffer: { from: 65_535, to: 65_535 } }).write(1_000);
    const { sender, counts } = bench.connection;
    counts.more.bytesAcked = 2 ** 32 - 1_000; // as after 4 GB less one segment, in numbers that have wrapped but for it
    sender.iss = (sender.iss + 1_000) as typeof sender.iss;
    bench.at(200).arrives(ack(1));
    expect(info(bench).bytes_acked).toBe(2 ** 32);
  });

  it('tells what SACK reported, Disorder, and how much was delivered [RFC 2018; RFC 6675]', () => {
    const bench = open()
      .write(10_000)
      .at(200)
      .arrives(ack(0, [2, 4]));
    expect(info(bench)).toMatchObject({ sacked: 2, lost: 0, retrans: 0, delivered: 3, ca_state: 'Disorder' });
  });

  it('tells what is lost and what of it is in flight again [RFC 6675 4; RFC 4898]', () => {
    const bench = open()
      .write(10_000)
      .at(200)
      .arrives(ack(0, [4, 10]))
      .ignore();
    const { lost, retrans, total_retrans: again, bytes_retrans: bytes } = info(bench);
    expect([lost, info(bench).ca_state]).toEqual([4, 'Recovery']);
    expect(retrans).toBeGreaterThan(0);
    expect([again, bytes]).toEqual([retrans, retrans * MSS]);
    bench.at(300).arrives(ack(10)).ignore();
    expect(info(bench)).toMatchObject({
      lost: 0,
      retrans: 0,
      sacked: 0,
      unacked: 0,
      delivered: 11,
      ca_state: 'Open',
    });
    expect(info(bench).total_retrans).toBeGreaterThanOrEqual(again);
    expect(info(bench).snd_ssthresh).toBe(5);
  });

  it('without SACK, takes duplicate ACKs for what SACK would report [RFC 5681 3.2]', () => {
    const bench = open({ sack: false }).write(5_000).at(200).arrives(ack(0), ack(0)).ignore();
    expect(info(bench)).toMatchObject({ sacked: 2, ca_state: 'Disorder' });
    expect(info(bench).options.sack).toBe(false);
  });

  it('counts timeouts, the recovery they began, and its time [RFC 6298 5]', () => {
    const bench = open({ tailLossProbe: false }).write(1_000).at(3_200);
    expect(info(bench)).toMatchObject({
      ...{ retransmits: 2, backoff: 2, total_rto: 2, total_rto_recoveries: 1, ca_state: 'Loss' },
      ...{
        total_retrans: 2,
        bytes_retrans: 2_000,
        bytes_sent: 3_000,
        rto: seconds(4),
        total_rto_time: ms(2_100),
      },
    });
    bench.arrives(ack(1)).at(5_000);
    expect(info(bench)).toMatchObject({
      retransmits: 0,
      total_rto: 2,
      total_rto_time: ms(2_100),
      ca_state: 'Open',
    });
  });

  it('counts D-SACKs in segments [RFC 2883]', () => {
    const bench = open().write(3_000).at(200).arrives(ack(3));
    expect(info(bench).dsack_dups).toBe(0);
    bench.arrives(ack(3, [0, 2]));
    expect(info(bench).dsack_dups).toBe(2);
  });

  it('counts ACKs that tell of reordering, and how far it went [RFC 8985 6.2]', () => {
    const bench = open()
      .write(10_000)
      .at(200)
      .arrives(ack(0, [8, 9]));
    expect(info(bench).reord_seen).toBe(0);
    bench.arrives(ack(0, [1, 3], [8, 9]));
    expect(info(bench)).toMatchObject({ reord_seen: 1, reordering: 8 });
  });

  it("measures the delivery rate, and whether it is the program's pace [draft-ietf-ccwg-bbr 4.1]", () => {
    const bench = open().write(2_000).at(200).arrives(ack(2)).ignore();
    expect(info(bench)).toMatchObject({ delivery_rate: 20_000, delivery_rate_app_limited: true });
    bench.write(1_000).at(300).arrives(ack(3)).ignore(); // slower, by its own choice: tells nothing
    expect(info(bench).delivery_rate).toBe(20_000);
    bench.write(8_000).at(400).arrives(ack(11)).ignore();
    expect(info(bench).delivery_rate).toBe(80_000);
  });

  it('tells the pacing rate that would be, and that of a paced connection [draft-ietf-ccwg-bbr 5.6.2]', () => {
    const unpaced = open();
    expect(info(unpaced).pacing_rate).toBe(200_000); // twice ten segments per 100 ms
    expect(unpaced.connection.info().pacingRate).toBeUndefined();
    expect(open({ pacing: 'on' }).connection.info().pacingRate).toBe(200_000);
    expect(info(new Bench().connect()).pacing_rate).toBeUndefined();
  });
});

describe('what the sender waits for', () => {
  it('busy_time: for as long as anything is out or waits [RFC 4898]', () => {
    const bench = open().write(1_000).at(200).arrives(ack(1)).at(900);
    bench.write(1_000).at(950);
    expect(info(bench)).toMatchObject({ busy_time: ms(150), rwnd_limited: 0, sndbuf_limited: 0 });
  });

  it("rwnd_limited: while the peer's window holds back what cwnd would let go [RFC 9293 3.8.6.1]", () => {
    const bench = open({}, 2_000).write(5_000).at(200);
    expect(info(bench)).toMatchObject({ rwnd_limited: ms(100), busy_time: ms(100) });
    bench.arrives('<SEQ=1><ACK=2001><CTL=ACK><WND=60000>').at(300);
    expect(info(bench)).toMatchObject({ rwnd_limited: ms(100), busy_time: ms(200) });
  });

  it('sndbuf_limited: while all of a full send buffer is out and cwnd has room [RFC 4898]', () => {
    const bench = open({ sendBuffer: { from: 3_000, to: 3_000 } });
    bench.does((each) => expect(each.send(bench.streamAt(bench.written, 9_000))).toBe(3_000)).at(200);
    expect(info(bench)).toMatchObject({ sndbuf_limited: ms(100), busy_time: ms(100), rwnd_limited: 0 });
    bench.arrives(ack(3)).at(300);
    expect(info(bench)).toMatchObject({ sndbuf_limited: ms(100), busy_time: ms(100) });
  });

  it('is cwnd, and so neither of the two, with more written than it lets go [RFC 5681 3.1]', () => {
    const bench = open().write(20_000).at(200);
    expect(info(bench)).toMatchObject({ rwnd_limited: 0, sndbuf_limited: 0, busy_time: ms(100) });
  });
});

describe('tcp_info of a receiver', () => {
  it('counts data, in order and before its turn, once or twice [RFC 4898]', () => {
    const bench = open();
    const data = (from: number): string => `<SEQ=${at(from)}><ACK=1><CTL=ACK><DATA=${MSS}>`;
    bench.arrives(data(1), data(2)).ignore();
    expect(info(bench)).toMatchObject({ rcv_ooopack: 2, bytes_received: 0, data_segs_in: 2, rcv_mss: MSS });
    bench.arrives(data(0), data(0)).ignore();
    expect(info(bench)).toMatchObject({ rcv_ooopack: 2, bytes_received: 3_000, data_segs_in: 4, segs_in: 5 });
    expect(info(bench).rcv_wnd).toBe(65_535 - 3_000);
  });

  it('does not count the FIN as a byte [RFC 4898 tcpEStatsAppThruOctetsReceived]', () => {
    const bench = open().arrives('<SEQ=1><ACK=1><CTL=FIN,ACK><DATA=10>').ignore();
    expect(info(bench)).toMatchObject({ state: 'CLOSE-WAIT', bytes_received: 10 });
    bench
      .does((each) => each.shutdown())
      .at(200)
      .arrives('<SEQ=12><ACK=2><CTL=ACK>');
    expect(bench.connection.tcpInfo()).toMatchObject({ state: 'CLOSED', bytes_acked: 0, delivered: 2 });
  });
});

describe('the trace shows loss recovery', () => {
  it('as variables: state, what is sacked and lost, the reordering window, the delivery rate [RFC 8985 6.2]', () => {
    const bench = open()
      .write(10_000)
      .at(200)
      .arrives(ack(0, [2, 3]));
    const variables = (): TcbVariables => bench.connection.info();
    expect(variables()).toMatchObject({ congestionState: 'Disorder', sacked: MSS, lost: 0, pathMtu: 1_500 });
    expect(variables().reorderingWindow).toBe(ms(25));
    expect(variables().deliveryRate).toBe(10_000);
    bench.at(225).ignore();
    expect(variables()).toMatchObject({ congestionState: 'Recovery', sacked: MSS });
    expect(variables().lost + variables().inFlight + MSS).toBe(10_000);
  });
});
