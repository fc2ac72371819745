/** FreeBSD's names for settings. What is not here, or only with one value, has no setting in the stack. */

import { ms } from '../../stack/time.ts';
import { ecn, ip, type Mapping, only, tcp } from './sysctl-mapping.ts';

/** FreeBSD's smallest RTO without the slack, in ms [net.inet.tcp.rexmit_min]. */
const REXMIT_MIN = 30;

/** The retransmissions of a SYN after which a connect has failed by then, at the latest: the RTO doubles each time. */
function retriesWithin(limit: number, initialRto: number): number {
  let retries = 0;
  while ((2 ** (retries + 2) - 1) * initialRto <= limit) retries += 1;
  return retries;
}

export const FREEBSD: Readonly<Record<string, Mapping>> = {
  'net.inet.tcp.rfc1323': (value) => tcp({ timestamps: value !== 0, windowScaling: value !== 0 }),
  'net.inet.tcp.recvspace': (value, _, { receiveBuffer: { to } }) =>
    tcp({ receiveBuffer: { from: value, to: Math.max(value, to) } }),
  'net.inet.tcp.sendspace': (value, _, { sendBuffer: { to } }) =>
    tcp({ sendBuffer: { from: value, to: Math.max(value, to) } }),
  'kern.ipc.maxsockbuf': (value, _, { receiveBuffer, sendBuffer }) =>
    tcp({
      receiveBuffer: { from: Math.min(receiveBuffer.from, value), to: value },
      sendBuffer: { from: Math.min(sendBuffer.from, value), to: value },
    }),
  'net.inet.tcp.rexmit_initial': (value) => tcp({ initialRto: ms(value) }),
  'net.inet.tcp.rexmit_min': (value) => tcp({ minRto: ms(value) }),
  // It is the least that the variance adds to the RTO, and no slack that is added again to each backed-off RTO.
  'net.inet.tcp.rexmit_slop': (value) =>
    tcp({ granularity: ms(Math.max(value, 1)), minRto: ms(Math.max(value, REXMIT_MIN)) }),
  'net.inet.tcp.rexmit_drop_options': only(0),
  'net.inet.tcp.keepinit': (value, _, { initialRto }) =>
    ms(value) < initialRto ? undefined : tcp({ synRetries: retriesWithin(ms(value), initialRto) }),
  'net.inet.tcp.keepidle': (value) => tcp({ keepAliveIdle: ms(value) }),
  'net.inet.tcp.keepintvl': (value) => tcp({ keepAliveInterval: ms(value) }),
  'net.inet.tcp.keepcnt': (value) => tcp({ keepAliveCount: value }),
  'net.inet.tcp.delacktime': (value) => tcp({ delayedAck: ms(value) }),
  'net.inet.tcp.msl': (value) => tcp({ msl: ms(value) }),
  'net.inet.ip.ttl': (value) => ip({ ttl: value }),
  'net.inet.tcp.sack.enable': (value) => tcp({ sack: value !== 0 }),
  'net.inet.tcp.ecn.enable': (value) => ecn(['off', 'on', 'passive', 'accurate'], value),
  'net.inet.tcp.blackhole': only(0),
  'net.inet.tcp.icmp_may_rst': only(1),
  'net.inet.tcp.drop_synfin': only(0),
  'net.inet.tcp.insecure_rst': only(0),
  'net.inet.tcp.insecure_syn': only(0),
  'net.inet.tcp.fastopen.client_enable': only(0),
  'net.inet.tcp.syncookies': only(0, 1),
  'net.inet.tcp.syncookies_only': only(0),
  'net.inet.tcp.tolerate_missing_ts': only(0),
  'net.inet.tcp.udp_tunneling_port': only(0),
  'net.inet.tcp.hostcache.purgenow': () => ({}),
};
