import type { HostContext } from '../context.ts';
import { randomBelow } from '../random.ts';
import { after, type Duration, earlier, type Instant, NEVER } from '../time.ts';
import type { IPv6Address } from '../wire/address.ts';

/** What duplicate address detection needs of its interface. */
export interface DetectionLink {
  /** Sends a solicitation for `target` from the unspecified address. */
  probe(target: IPv6Address): void;
  /** Nobody else has it. */
  unique(address: IPv6Address): void;
}

interface Detection {
  readonly address: IPv6Address;
  /** Solicitations sent. */
  sent: number;
  deadline: Instant;
}

/** Asks whether anybody else has an address before it is used [RFC 4862 5.4]. */
export class DuplicateDetection {
  readonly #context: HostContext;
  readonly #link: DetectionLink;
  #underway: Detection[] = [];

  constructor(context: HostContext, link: DetectionLink) {
    this.#context = context;
    this.#link = link;
  }

  /** Begins with `address`, after a random delay [RFC 4862 5.4.2]. */
  begin(address: IPv6Address): void {
    const { dadDelay } = this.#context.settings.ip;
    const delay = dadDelay > 0 ? randomBelow(this.#context.random, dadDelay) : 0;
    const deadline = after(this.#context.now, delay as Duration);
    this.#underway.push({ address, sent: 0, deadline });
  }

  /** Ends it; false if none was under way. */
  end(address: IPv6Address): boolean {
    const before = this.#underway.length;
    this.#underway = this.#underway.filter((each) => !each.address.equals(address));
    return this.#underway.length < before;
  }

  nextDeadline(): Instant {
    let next = NEVER;
    for (const { deadline } of this.#underway) next = earlier(next, deadline);
    return next;
  }

  /** Sends what is due; an address that was asked for often enough, without an answer, is unique. `retransTimer`: between two. */
  advance(retransTimer: Duration): void {
    const { now, settings } = this.#context;
    for (const each of this.#underway) {
      if (each.deadline > now) continue;
      if (each.sent >= settings.ip.dupAddrDetectTransmits) {
        this.end(each.address);
        this.#link.unique(each.address);
        continue;
      }
      each.sent += 1;
      each.deadline = after(now, retransTimer);
      this.#link.probe(each.address);
    }
  }
}
