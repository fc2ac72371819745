/** What a `sysctl` means for the stack. */

import type { EcnSetting, IpSettings, SettingsChanges, TcpSettings } from '../../stack/settings.ts';

/** Makes the changes that a value means (`before`: what holds so far); undefined: the value is not supported. */
export type Mapping = (
  value: number,
  values: readonly number[],
  before: TcpSettings,
) => SettingsChanges | undefined;

export const tcp = (changes: Partial<TcpSettings>): SettingsChanges => ({ tcp: changes });
/** ECN by its number: Linux and FreeBSD agree on them. */
export const ecn = (names: readonly EcnSetting[], value: number): SettingsChanges | undefined => {
  const name = names[value];
  return name === undefined ? undefined : tcp({ ecn: name });
};
export const ip = (changes: Partial<IpSettings>): SettingsChanges => ({ ip: changes });

/** Only this value: what the stack does anyway. */
export const only =
  (...supported: readonly number[]): Mapping =>
  (value) =>
    supported.includes(value) ? {} : undefined;
