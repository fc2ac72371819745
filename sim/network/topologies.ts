import type { LinkOptions } from '../link/link.ts';
import type { Link } from '../link/link.ts';
import type { World, WorldHostOptions } from '../world.ts';
import type { WorldHost } from './host.ts';
import type { Router } from './router.ts';
import type { Switch } from './switch.ts';

/** Two hosts, `a` and `b`, and a link. */
export function pair(
  world: World,
  link: LinkOptions = {},
  options: { readonly a?: WorldHostOptions; readonly b?: WorldHostOptions } = {},
): { readonly a: WorldHost; readonly b: WorldHost; readonly link: Link } {
  const a = world.host('a', options.a);
  const b = world.host('b', options.b);
  return { a, b, link: world.link(a, b, link) };
}

/** What a dumbbell is made of. */
export interface DumbbellOptions {
  /** Hosts on each side; 2 at first. */
  readonly pairs?: number;
  /** The link in the middle, which all share. */
  readonly bottleneck: LinkOptions;
  /** The links at the sides. */
  readonly access?: LinkOptions;
  readonly hosts?: WorldHostOptions;
}

/** Hosts `left1`… and `right1`… on two routers with one link between. */
export function dumbbell(
  world: World,
  options: DumbbellOptions,
): {
  readonly left: readonly WorldHost[];
  readonly right: readonly WorldHost[];
  readonly routers: readonly [Router, Router];
  readonly bottleneck: Link;
} {
  const routers = [world.router('west'), world.router('east')] as const;
  const bottleneck = world.link(routers[0], routers[1], { name: 'bottleneck', ...options.bottleneck });
  const side = (name: string, router: Router): WorldHost[] =>
    Array.from({ length: options.pairs ?? 2 }, (_, index) => {
      const host = world.host(`${name}${index + 1}`, options.hosts);
      world.link(host, router, options.access ?? {});
      return host;
    });
  return { left: side('left', routers[0]), right: side('right', routers[1]), routers, bottleneck };
}

/** What a star is made of. */
export interface StarOptions {
  /** Hosts around the centre; 3 at first. */
  readonly hosts?: number;
  /** A router, or a switch with Ethernet links. `router` at first. */
  readonly centre?: 'router' | 'switch';
  readonly link?: LinkOptions;
  readonly host?: WorldHostOptions;
}

/** Hosts `h1`… around a router or a switch. */
export function star(
  world: World,
  options: StarOptions = {},
): {
  readonly hosts: readonly WorldHost[];
  readonly centre: Router | Switch;
  readonly links: readonly Link[];
} {
  const onSwitch = options.centre === 'switch';
  const centre = onSwitch ? world.switch('centre') : world.router('centre');
  const links: Link[] = [];
  const hosts = Array.from({ length: options.hosts ?? 3 }, (_, index) => {
    const host = world.host(`h${index + 1}`, options.host);
    links.push(
      world.link(host, centre, { ...options.link, ...(onSwitch && { medium: 'ethernet' as const }) }),
    );
    return host;
  });
  return { hosts, centre, links };
}
