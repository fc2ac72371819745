import type { Random } from '../../random.ts';
import type { TcpSettings } from '../../settings.ts';
import type { DeliveryRate } from '../delivery-rate.ts';
import { Bbr } from './bbr.ts';
import type { CongestionControl } from './congestion-control.ts';
import { Cubic } from './cubic.ts';
import { NewReno } from './new-reno.ts';
import { NoControl } from './no-control.ts';

/** The algorithm that `settings.congestion` names, for one connection whose deliveries `rate` measures [RFC 9293 MAY-18]. */
export function congestionControl(
  settings: TcpSettings,
  random: Random,
  rate: DeliveryRate,
): CongestionControl {
  switch (settings.congestion) {
    case 'newreno':
      return new NewReno(settings);
    case 'cubic':
      return new Cubic(settings);
    case 'bbr':
      return new Bbr(settings, random, rate);
    case 'none':
      return new NoControl();
  }
}
