/** Values of DHCP options, RFC 2132, read from and made for a `DhcpMessage`. Malformed values read as if they were missing. */
import { type IPv4Address, readIPv4 } from './address.ts';
import { isDomainName, readDomainNames } from './domain-name.ts';
import type { DhcpMessage } from './dhcp.ts';

/** Option numbers, RFC 2132 unless said otherwise. */
export const OPTION = {
  subnetMask: 1,
  routers: 3,
  nameServers: 6,
  hostName: 12,
  domainName: 15,
  interfaceMtu: 26,
  requestedAddress: 50,
  leaseTime: 51,
  messageType: 53,
  serverIdentifier: 54,
  parameterList: 55,
  message: 56,
  maximumSize: 57,
  renewalTime: 58,
  rebindingTime: 59,
  clientIdentifier: 61,
  /** RFC 3397 */
  domainSearch: 119,
  /** RFC 3442 */
  classlessRoutes: 121,
} as const;

/** What a message is for, RFC 2131 3.1. */
export type DhcpMessageType =
  | 'DISCOVER'
  | 'OFFER'
  | 'REQUEST'
  | 'DECLINE'
  | 'ACK'
  | 'NAK'
  | 'RELEASE'
  | 'INFORM';

/** In the order of their numbers, from 1. */
const TYPES: readonly DhcpMessageType[] = [
  'DISCOVER',
  'OFFER',
  'REQUEST',
  'DECLINE',
  'ACK',
  'NAK',
  'RELEASE',
  'INFORM',
];

type Options = DhcpMessage['options'];

/** A route of RFC 3442. */
export interface ClasslessRoute {
  readonly destination: IPv4Address;
  /** 0..32 */
  readonly prefixLength: number;
  /** 0.0.0.0: on the link. */
  readonly router: IPv4Address;
}

/** Option 53; undefined if it is missing or unknown. */
export function messageType(options: Options): DhcpMessageType | undefined {
  const value = options.get(OPTION.messageType);
  return value?.length === 1 ? TYPES[(value[0] ?? 0) - 1] : undefined;
}

/** The value of option 53. */
export function typeValue(type: DhcpMessageType): Uint8Array {
  return Uint8Array.of(TYPES.indexOf(type) + 1);
}

/** The addresses of an option, in their order. */
export function addresses(options: Options, code: number): readonly IPv4Address[] {
  const value = options.get(code);
  if (value === undefined || value.length % 4 !== 0) return [];
  const view = viewOf(value);
  return Array.from({ length: value.length / 4 }, (_, index) => readIPv4(view, index * 4));
}

/** The one address of an option. */
export function address(options: Options, code: number): IPv4Address | undefined {
  const all = addresses(options, code);
  return all.length === 1 ? all[0] : undefined;
}

/** The value of an option with addresses. */
export function addressValue(...list: readonly IPv4Address[]): Uint8Array {
  const bytes = new Uint8Array(list.length * 4);
  const view = viewOf(bytes);
  for (const [index, each] of list.entries()) view.setUint32(index * 4, each);
  return bytes;
}

/** The whole number of an option that has to have `size` bytes. */
export function wholeNumber(options: Options, code: number, size: 2 | 4): number | undefined {
  const value = options.get(code);
  if (value?.length !== size) return undefined;
  return size === 2 ? viewOf(value).getUint16(0) : viewOf(value).getUint32(0);
}

/** The value of such an option. */
export function numberValue(value: number, size: 2 | 4): Uint8Array {
  const bytes = new Uint8Array(size);
  if (size === 2) viewOf(bytes).setUint16(0, value);
  else viewOf(bytes).setUint32(0, value);
  return bytes;
}

/** Printable ASCII only, without the NULs that some servers end it with. */
export function text(options: Options, code: number): string | undefined {
  const value = options.get(code);
  if (value === undefined) return undefined;
  let end = Math.min(value.length, 255);
  while (end > 0 && value[end - 1] === 0) end -= 1;
  const letters = value.subarray(0, end);
  const printable = end > 0 && letters.every((letter) => letter >= 0x20 && letter <= 0x7e);
  return printable ? String.fromCharCode(...letters) : undefined;
}

/** The value of an option with a text. */
export function textValue(given: string): Uint8Array {
  return Uint8Array.from(given, (letter) => letter.charCodeAt(0) & 0x7f);
}

/** The domain name (option 15) if it is one. */
export function domainName(options: Options): string | undefined {
  const found = text(options, OPTION.domainName);
  return found !== undefined && isDomainName(found) ? found : undefined;
}

/** Where to look names up (option 119). */
export function domainSearch(options: Options): readonly string[] {
  const value = options.get(OPTION.domainSearch);
  return value === undefined ? [] : (readDomainNames(value) ?? []);
}

/** Option 121; undefined if it is missing or malformed. */
export function classlessRoutes(options: Options): readonly ClasslessRoute[] | undefined {
  const value = options.get(OPTION.classlessRoutes);
  if (value === undefined) return undefined;
  const routes: ClasslessRoute[] = [];
  let at = 0;
  while (at < value.length) {
    const prefixLength = value[at] ?? 0;
    const significant = Math.ceil(prefixLength / 8);
    if (prefixLength > 32 || at + 1 + significant + 4 > value.length) return undefined;
    const padded = new Uint8Array(8);
    padded.set(value.subarray(at + 1, at + 1 + significant));
    padded.set(value.subarray(at + 1 + significant, at + 5 + significant), 4);
    const view = viewOf(padded);
    routes.push({ destination: readIPv4(view, 0), prefixLength, router: readIPv4(view, 4) });
    at += 5 + significant;
  }
  return routes;
}

/** The value of option 121. */
export function classlessRoutesValue(routes: readonly ClasslessRoute[]): Uint8Array {
  return Uint8Array.from(
    routes.flatMap(({ destination, prefixLength, router }) => [
      prefixLength,
      ...addressValue(destination).subarray(0, Math.ceil(prefixLength / 8)),
      ...addressValue(router),
    ]),
  );
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
