import type { Host } from '../../../stack/host.ts';
import type { IpAddress } from '../../../stack/wire/address.ts';
import type { Runtime } from '../../runtime.ts';
import { nodeRuntime } from '../runtime.ts';
import { Resolver, type ResolverOptions } from './resolver.ts';

const RESOLVERS: WeakMap<Host, Resolver> = new WeakMap();

/** The resolver of a host; made at the first call, or anew with `options`. */
export function resolverOf(host: Host, options?: ResolverOptions): Resolver {
  const known = RESOLVERS.get(host);
  if (known !== undefined && options === undefined) return known;
  const made = new Resolver(host, options);
  RESOLVERS.set(host, made);
  return made;
}

/** A name's addresses: over the host's own stack if it has DNS servers (or a table of names), else by the system's resolver. */
export function lookupOn(host: Host): (name: string) => Promise<readonly IpAddress[]> {
  return (name) => {
    const resolver = resolverOf(host);
    return resolver.isConfigured ? resolver.lookup(name) : nodeRuntime.lookup(name);
  };
}

/** Node's runtime, with names looked up on `host`. */
export function nodeRuntimeOn(host: Host): Runtime {
  return { ...nodeRuntime, lookup: lookupOn(host) };
}
