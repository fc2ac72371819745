import type { TcpSettings } from '../stack/settings.ts';

/** A congestion control to be measured, as settings. */
export interface Variant {
  readonly name: string;
  readonly tcp: Partial<TcpSettings>;
}

/** In the order of the tables. `none` is what smoltcp has. */
export const VARIANTS: readonly Variant[] = [
  { name: 'BBR', tcp: { congestion: 'bbr' } },
  { name: 'none', tcp: { congestion: 'none' } },
  { name: 'CUBIC', tcp: { congestion: 'cubic', hystart: true } },
  { name: 'NewReno', tcp: { congestion: 'newreno', hystart: true } },
];

/** The variant called so, whatever the case of its letters. */
export function variant(name: string): Variant {
  const found = VARIANTS.find((each) => each.name.toLowerCase() === name.toLowerCase());
  if (found === undefined)
    throw new Error(`no variant ${name}: ${VARIANTS.map((each) => each.name).join(', ')}`);
  return found;
}
