import { type Command, InvalidArgumentError, Option } from 'commander';
import { parseCidr } from '../stack/wire/address.ts';

/** Where a command's host is to live, as commander gives it. */
export interface NetworkOptions {
  /** A name, or true for any. */
  readonly tun?: string | true;
  readonly wire?: true;
  /** Ethernet in place of TUN: a name, or true for any. */
  readonly tap?: string | true;
  /** Address, routes and DNS servers from the link of the TAP. */
  readonly configure?: true;
  /** The stack's. */
  readonly address: string;
  /** The kernel's, or the second host's on the wire. */
  readonly peerAddress: string;
  readonly namespace?: string;
  readonly rootNamespace?: true;
  readonly profile?: 'standard' | 'linux' | 'textbook';
  readonly mtu?: number;
  readonly offload: boolean;
  readonly capture?: string;
  readonly ladder?: true;
}

/** Adds the options that `run`, `ping` and `nc` share. */
export function addNetworkOptions(command: Command): Command {
  const profile = new Option(
    '--profile <name>',
    'settings (default: linux over TUN, standard over the wire)',
  );
  return command
    .addOption(new Option('--tun [name]', 'over a TUN interface, as is the default').conflicts('wire'))
    .option('--wire', 'over a wire in memory, to a second host in this process')
    .addOption(new Option('--tap [name]', 'over a TAP interface: Ethernet').conflicts(['wire', 'tun']))
    .option('--configure', 'address, routes, DNS servers from what is on the link of the TAP: DHCP, routers')
    .option('--address <cidr>', 'address of the stack', cidr, '10.77.0.2/24')
    .option('--peer-address <cidr>', "the other side's: the kernel, or the second host", cidr, '10.77.0.1/24')
    .option('--namespace <name>', 'network namespace for the TUN (default: one of its own, made and removed)')
    .addOption(
      new Option('--root-namespace', "put the TUN into the machine's own network, address and all").conflicts(
        'namespace',
      ),
    )
    .addOption(profile.choices(['standard', 'linux', 'textbook']))
    .option('--mtu <bytes>', 'largest IP packet', integer(68, 65_535))
    .option('--no-offload', 'no super-segments, no checksum offload: every packet as on the wire')
    .option('--capture <file>', 'write a pcapng, with a comment where there is something to say')
    .option('--ladder', 'show segments and states on stderr while they happen');
}

/** Parses a whole number from `from` to `to`. */
export function integer(from: number, to: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= from && value <= to) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${from} to ${to}.`);
  };
}

/** Parses a number of seconds. */
export function secondsNumber(text: string): number {
  const value = Number(text);
  if (/^\d*\.?\d+$/.test(text) && value > 0) return value;
  throw new InvalidArgumentError('It must be a number of seconds above 0.');
}

/** Checks an address with prefix length. */
function cidr(text: string): string {
  const parsed = parseCidr(text);
  if (parsed !== undefined) return text;
  throw new InvalidArgumentError(
    'It must be an address with prefix length, such as 10.77.0.2/24 or fd77::2/64.',
  );
}

/** The address alone. */
export function withoutPrefix(cidrText: string): string {
  return cidrText.split('/')[0] ?? cidrText;
}
