/** What can go wrong with a device before packets flow. */
export type DeviceErrorCode =
  | 'ERR_NOT_LINUX'
  | 'ERR_ADDON_NOT_BUILT'
  | 'ERR_TUN_UNAVAILABLE'
  | 'ERR_TUN_PERMISSION'
  | 'ERR_TUN_BUSY'
  | 'ERR_TUN_NAME'
  | 'ERR_TUN_ADDRESS'
  | 'ERR_TUN_SETTING'
  | 'ERR_TUN_CLOSED'
  | 'ERR_TUN_FAILED'
  | 'ERR_NAMESPACE_NAME'
  | 'ERR_NAMESPACE_MISSING'
  | 'ERR_NAMESPACE_EXISTS'
  | 'ERR_NAMESPACE_PERMISSION'
  | 'ERR_NAMESPACE_FAILED';

/** A device or namespace could not be had; `message` says what to do about it, `cause` is the system's own error. */
export class DeviceError extends Error {
  override readonly name = 'DeviceError' as const;
  readonly code: DeviceErrorCode;

  constructor(code: DeviceErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}

/** What the addon throws: an errno name and the step that gave it (`device/native/failure.h`). */
interface NativeFailure extends Error {
  readonly code: string;
  readonly step: string;
}

function isNativeFailure(error: unknown): error is NativeFailure {
  return error instanceof Error && 'code' in error && 'step' in error;
}

/** Whom an error is about, for its message. */
export interface Subject {
  readonly kind: 'TUN' | 'TAP';
  /** Empty if the kernel was to choose. */
  readonly name: string;
  readonly networkNamespace: string | undefined;
}

const NAMESPACE_STEPS: ReadonlySet<string> = new Set(['namespace', 'setns']);
const MISSING: ReadonlySet<string> = new Set(['ENOENT', 'ENODEV', 'ENXIO']);
const FORBIDDEN: ReadonlySet<string> = new Set(['EPERM', 'EACCES']);

function explainNamespaceStep(failure: NativeFailure, subject: Subject): DeviceError {
  const name = subject.networkNamespace ?? '';
  if (FORBIDDEN.has(failure.code)) {
    const message = `Entering the network namespace '${name}' needs root or CAP_SYS_ADMIN: run with sudo, or open the device from inside it (ip netns exec ${name} …).`;
    return new DeviceError('ERR_NAMESPACE_PERMISSION', message, failure);
  }
  const message = MISSING.has(failure.code)
    ? `There is no network namespace '${name}': make it with createNamespace('${name}') or \`ip netns add ${name}\`.`
    : `'${name}' is not a network namespace: give a name that \`ip netns list\` shows, or a path such as /proc/PID/ns/net.`;
  return new DeviceError('ERR_NAMESPACE_MISSING', message, failure);
}

function explainSetting(failure: NativeFailure, what: string): DeviceError | undefined {
  if (failure.step === 'closed') {
    return new DeviceError('ERR_TUN_CLOSED', `${what} is closed: open a new device.`, failure);
  }
  if (failure.step.endsWith('address')) {
    const message = `The kernel refused that address for ${what} (${failure.code}): give it as '10.0.0.1/24' or 'fd00::1/64', and see that IPv6 is not disabled there.`;
    return new DeviceError('ERR_TUN_ADDRESS', message, failure);
  }
  if (failure.step === 'change link') {
    const message = `The kernel refused that setting of ${what} (${failure.code}): an MTU is 68 to 65535 (1280 and more for IPv6), a queue length at least 1.`;
    return new DeviceError('ERR_TUN_SETTING', message, failure);
  }
  return undefined;
}

/** Turns what the addon threw into an error that says what to do; anything else is returned as it is. */
export function explainDeviceFailure(error: unknown, subject: Subject): unknown {
  if (!isNativeFailure(error)) return error;
  const what =
    subject.name === '' ? `the ${subject.kind} device` : `${subject.kind} device '${subject.name}'`;
  if (NAMESPACE_STEPS.has(error.step)) return explainNamespaceStep(error, subject);
  if (FORBIDDEN.has(error.code)) {
    const message = `Opening ${what} needs root or CAP_NET_ADMIN: run with sudo, or give a container --cap-add NET_ADMIN --device /dev/net/tun.`;
    return new DeviceError('ERR_TUN_PERMISSION', message, error);
  }
  if (error.step === '/dev/net/tun' && MISSING.has(error.code)) {
    const message =
      'There is no usable /dev/net/tun here: run `modprobe tun`, or give the container --device /dev/net/tun.';
    return new DeviceError('ERR_TUN_UNAVAILABLE', message, error);
  }
  if (error.code === 'EBUSY') {
    const message = `The name of ${what} is taken by another open device or interface: choose another name, or leave it out and the kernel chooses.`;
    return new DeviceError('ERR_TUN_BUSY', message, error);
  }
  if (error.step === 'TUNSETIFF' && error.code === 'EINVAL') {
    const message = `The kernel refused the name of ${what}: use letters and digits, at most 15.`;
    return new DeviceError('ERR_TUN_NAME', message, error);
  }
  const setting = explainSetting(error, what);
  if (setting !== undefined) return setting;
  return new DeviceError('ERR_TUN_FAILED', `Opening or configuring ${what} failed: ${error.message}.`, error);
}

/** The same for `createNamespace` and `deleteNamespace`. */
export function explainNamespaceFailure(error: unknown, name: string): unknown {
  if (!isNativeFailure(error)) return error;
  if (FORBIDDEN.has(error.code)) {
    const message = `Making or deleting network namespaces needs root or CAP_SYS_ADMIN (at '${name}'): run with sudo.`;
    return new DeviceError('ERR_NAMESPACE_PERMISSION', message, error);
  }
  if (error.code === 'EEXIST') {
    const message = `There is a network namespace '${name}' already: choose another name, or deleteNamespace('${name}') first.`;
    return new DeviceError('ERR_NAMESPACE_EXISTS', message, error);
  }
  if (error.code === 'ENOENT') {
    const message = `There is no network namespace '${name}': \`ip netns list\` shows those that there are.`;
    return new DeviceError('ERR_NAMESPACE_MISSING', message, error);
  }
  const message = `The network namespace '${name}' could not be made or deleted: ${error.message}.`;
  return new DeviceError('ERR_NAMESPACE_FAILED', message, error);
}
