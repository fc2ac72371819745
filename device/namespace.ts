import { DeviceError, explainNamespaceFailure } from './device-error.ts';
import { nativeAddon } from './native-addon.ts';

/** Where iproute2 keeps namespaces that have a name. */
const DIRECTORY = '/run/netns';

/**
 * Makes a network namespace that `ip netns` sees, with its loopback interface up.
 * @throws DeviceError `ERR_NAMESPACE_EXISTS`, `ERR_NAMESPACE_PERMISSION`, `ERR_NAMESPACE_NAME`
 */
export function createNamespace(name: string): void {
  changeNamespaces(name, (checked) => nativeAddon().createNamespace(checked));
}

/**
 * Removes the name; the namespace itself ends with the last process and device in it.
 * @throws DeviceError `ERR_NAMESPACE_MISSING`, `ERR_NAMESPACE_PERMISSION`, `ERR_NAMESPACE_NAME`
 */
export function deleteNamespace(name: string): void {
  changeNamespaces(name, (checked) => nativeAddon().deleteNamespace(checked));
}

function changeNamespaces(name: string, change: (checked: string) => void): void {
  if (!isNamespaceName(name)) {
    const message = `'${name}' cannot name a network namespace: use 1 to 255 characters without a slash, and not '.' or '..'.`;
    throw new DeviceError('ERR_NAMESPACE_NAME', message);
  }
  try {
    change(name);
  } catch (error) {
    throw explainNamespaceFailure(error, name);
  }
}

function isNamespaceName(name: string): boolean {
  const bytes = new TextEncoder().encode(name).length;
  return bytes >= 1 && bytes <= 255 && !/[/\0]/.test(name) && name !== '.' && name !== '..';
}

/** The file of the namespace that is meant by a name or a path; empty for none. */
export function namespacePath(nameOrPath: string | undefined): string {
  if (nameOrPath === undefined || nameOrPath.includes('/')) return nameOrPath ?? '';
  return `${DIRECTORY}/${nameOrPath}`;
}
