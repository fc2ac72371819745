import { type IpAddress, isIPv4, parseAddress } from '../stack/wire/address.ts';

/** An address, and for IPv6 the name of the interface that it is meant on. */
export interface ZonedAddress {
  readonly address: IpAddress;
  readonly zone: string | undefined;
}

/** An address literal, with a zone if it has one: `fe80::1%eth0` [RFC 4007 11.2]. Undefined: a name, or nothing that makes sense. */
export function parseZoned(text: string): ZonedAddress | undefined {
  const percent = text.indexOf('%');
  if (percent < 0) {
    const plain = parseAddress(text);
    return plain === undefined ? undefined : { address: plain, zone: undefined };
  }
  const address = parseAddress(text.slice(0, percent));
  const zone = text.slice(percent + 1);
  return address === undefined || isIPv4(address) || zone === '' ? undefined : { address, zone };
}
