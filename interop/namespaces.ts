import { createNamespace, deleteNamespace } from '../device/namespace.ts';

let made = 0;
const names: Set<string> = new Set();

/** Makes a network namespace that no other run has. @throws DeviceError */
export function makeNamespace(): string {
  made += 1;
  const name = `interop-${process.pid}-${made}`;
  createNamespace(name);
  names.add(name);
  return name;
}

/** Removes one that `makeNamespace` made. @throws DeviceError */
export function removeNamespace(name: string): void {
  names.delete(name);
  deleteNamespace(name);
}

/** Removes, at once, what a process that is about to end has not removed yet. */
export function removeNamespaces(): void {
  for (const each of names) {
    try {
      removeNamespace(each);
    } catch {
      // There is nobody left to tell, and the others are to go as well.
    }
  }
}
