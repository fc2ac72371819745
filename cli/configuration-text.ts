import type { InterfaceConfiguration } from '../stack/configuration/interface-configuration.ts';
import { formatAddress } from '../stack/wire/address.ts';

/** What an interface has learnt so far, a line for each thing. */
export function describeConfiguration(configuration: InterfaceConfiguration): readonly string[] {
  const { lease, autoconfigured, routers, names } = configuration;
  const { name } = configuration.interface.device;
  const list = (addresses: Parameters<typeof formatAddress>[0][]): string =>
    addresses.map(formatAddress).join(', ');
  const lines: string[] = [];
  if (lease !== undefined) {
    const { address, prefixLength, server } = lease;
    const by = lease.routers.length === 0 ? '' : `, router ${list([...lease.routers])}`;
    lines.push(
      `${name} has ${formatAddress(address)}/${prefixLength} by DHCP from ${formatAddress(server)}${by}`,
    );
  }
  for (const address of autoconfigured)
    lines.push(`${name} has ${formatAddress(address)}/64 from a router's prefix`);
  if (routers.length > 0) lines.push(`IPv6 router ${list(routers.map(({ address }) => address))}`);
  const search = names.search.length === 0 ? '' : `, search ${names.search.join(' ')}`;
  if (names.servers.length > 0) lines.push(`DNS server ${list([...names.servers])}${search}`);
  return lines;
}
