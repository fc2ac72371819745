import type { Random } from '../../random.ts';
import type { TcpSettings } from '../../settings.ts';
import type { DeliveryRate } from '../delivery-rate.ts';
import type { CongestionControl } from './congestion-control.ts';
import { NewReno } from './new-reno.ts';

/** The algorithm that `settings.congestion` names, for one connection whose deliveries `rate` measures. */
export function congestionControl(
  settings: TcpSettings,
  _random: Random,
  _rate: DeliveryRate,
): CongestionControl {
  return new NewReno(settings);
}
