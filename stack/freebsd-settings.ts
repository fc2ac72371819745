import type { Settings } from './settings.ts';
import { ms, seconds } from './time.ts';

/**
 * Exists for scripts only: as far as the stack has a setting, what public FreeBSD scripts count on (`sysctl net.inet.tcp`). It lacks the
 * slack that FreeBSD adds to a backed-off RTO (here it is the least that the variance adds), and the receive buffer in whole segments.
 */
export function freebsdOf(standard: Settings): Settings {
  return {
    profile: 'freebsd',
    configuration: standard.configuration,
    ip: standard.ip,
    tcp: {
      ...standard.tcp,
      msl: seconds(30),
      minRto: ms(200),
      granularity: ms(200),
      synRetries: 5, // 63 s, the most that fits into keepinit = 75 s
      delayedAck: ms(40),
      keepAliveCount: 8,
      sendBuffer: { from: 32_768, to: 2 * 1024 * 1024 },
      receiveBuffer: { from: 65_536, to: 2 * 1024 * 1024 }, // kern.ipc.maxsockbuf: a window scale of 6
      optionLayout: 'freebsd',
    },
  };
}
