import type {
  ConfigureOptions,
  InterfaceConfiguration,
} from '../../stack/configuration/interface-configuration.ts';
import type { Host } from '../../stack/host.ts';
import type { Interface } from '../../stack/link/interface.ts';
import { after, ms } from '../../stack/time.ts';
import { Hold } from '../hold.ts';

const TIMEOUT = 30_000;

interface Waiter {
  resolve(configuration: InterfaceConfiguration): void;
}

/** Lets programs wait until an interface has configured itself. */
export class ConfiguredWait {
  readonly #host: Host;
  readonly #interface: Interface;
  readonly #waiting: Set<Waiter> = new Set();
  #configuration: InterfaceConfiguration | undefined;

  constructor(host: Host, on: Interface) {
    this.#host = host;
    this.#interface = on;
  }

  /** Begins to configure. */
  start(given: true | ConfigureOptions): void {
    const options = given === true ? {} : given;
    const onChange = (configuration: InterfaceConfiguration): void => {
      this.#look(configuration);
      options.onChange?.(configuration);
    };
    this.#configuration = this.#host.configuration.start(this.#interface, { ...options, onChange });
  }

  /** Settles when there is a usable address; rejects after `timeout` milliseconds. */
  wait(timeout: number = TIMEOUT): Promise<InterfaceConfiguration> {
    const configuration = this.#configuration;
    if (configuration === undefined) {
      return Promise.reject(
        new Error('nothing configures this interface: open the stack with configure: true'),
      );
    }
    if (configuration.isReady) return Promise.resolve(configuration);
    const hold = new Hold(this.#host);
    hold.begin();
    return new Promise((resolve, reject) => {
      const { scheduler } = this.#host;
      const alarm = scheduler.alarm(() => {
        this.#waiting.delete(waiter);
        hold.end();
        reject(new Error(whyNot(configuration, timeout)));
      });
      const waiter: Waiter = {
        resolve: (ready) => {
          alarm.clear();
          hold.end();
          resolve(ready);
        },
      };
      this.#waiting.add(waiter);
      alarm.set(after(scheduler.now(), ms(timeout)));
    });
  }

  #look(configuration: InterfaceConfiguration): void {
    if (!configuration.isReady) return;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const each of waiting) each.resolve(configuration);
  }
}

function whyNot({ interface: on, dhcpState }: InterfaceConfiguration, timeout: number): string {
  const dhcp = dhcpState === undefined ? '' : ` (DHCP is in state ${dhcpState})`;
  return `${on.device.name} found no address within ${timeout} ms${dhcp}: is there a DHCP server or a router on its link?`;
}
