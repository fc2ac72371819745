import type { CallAction, Position, StructField, Value } from '../language/syntax.ts';
import { UnsupportedError } from '../script-error.ts';
import { ERRNO, WORDS } from './words.ts';

/** An argument with its words replaced by numbers; undefined: the system supplies it. */
export type Argument = number | string | undefined | readonly Argument[] | StructArgument;

/** A struct: its fields by name, and the values that have none. */
export interface StructArgument {
  readonly fields: ReadonlyMap<string, Argument>;
  readonly values: readonly Argument[];
}

/** A system call as a target gets it. Descriptors are the script's. */
export interface SystemCall {
  readonly name: string;
  readonly args: readonly Argument[];
  /** The descriptor that the script gives to what the call makes. */
  readonly newDescriptor: number | undefined;
  readonly position: Position;
}

/** What a call returned. */
export interface CallOutcome {
  readonly result: number;
  /** The error's name; the result is -1 then. */
  readonly errno: string | undefined;
  /** What it wrote into its arguments, by their index. */
  readonly outputs: ReadonlyMap<number, Argument>;
}

const NO_OUTPUTS: ReadonlyMap<number, Argument> = new Map();

/** A call that went well. */
export function success(result: number, outputs: ReadonlyMap<number, Argument> = NO_OUTPUTS): CallOutcome {
  return { result, errno: undefined, outputs };
}

/** A call that failed. */
export function failure(errno: string): CallOutcome {
  return { result: -1, errno, outputs: NO_OUTPUTS };
}

/** Whether `argument` is a struct. */
export function isStruct(argument: Argument): argument is StructArgument {
  return typeof argument === 'object' && 'fields' in argument;
}

/** The call with numbers for words. Throws `UnsupportedError` for a word that is not known. */
export function systemCall(action: CallAction, position: Position): SystemCall {
  const makes = action.name === 'socket' || action.name === 'accept' || action.name === 'accept4';
  const { result } = action;
  const made = makes && result?.type === 'integer' && result.value >= 0 ? result.value : undefined;
  return {
    name: action.name,
    args: action.args.map((arg) => argument(arg, position)),
    newDescriptor: made,
    position,
  };
}

/** A value with numbers for words. */
export function argument(value: Value, position: Position): Argument {
  switch (value.type) {
    case 'integer':
    case 'text':
      return value.value;
    case 'supplied':
      return undefined;
    case 'word':
      return word(value.name, position);
    case 'flags':
      return value.parts.reduce((sum, part) => (sum | Number(argument(part, position))) >>> 0, 0);
    case 'list':
      return value.items.map((item) => argument(item, position));
    case 'struct':
      return struct(value.fields, position);
    case 'function':
      if (/^(htons|htonl|ntohs|ntohl|inet_addr)$/.test(value.name) && value.args[0] !== undefined)
        return argument(value.args[0], position);
      // inet_pton(AF_INET6, "::1"), also with the field as its third argument
      if (value.name === 'inet_pton' && value.args[1] !== undefined) return argument(value.args[1], position);
      throw new UnsupportedError(`${value.name}() as an argument`, position);
  }
}

function word(name: string, position: Position): number {
  const number = WORDS[name] ?? ERRNO[name];
  if (number === undefined) throw new UnsupportedError(`the word ${name}`, position);
  return number;
}

function struct(fields: readonly StructField[], position: Position): StructArgument {
  const named = new Map<string, Argument>();
  const values: Argument[] = [];
  for (const { name, value } of fields) {
    // packetdrill's own form: inet_pton(AF_INET6, "::1", sin6_addr)
    const field = value.type === 'function' && value.name === 'inet_pton' ? value.args[2] : undefined;
    if (field?.type === 'word') named.set(field.name, argument(value, position));
    else if (name === undefined) values.push(argument(value, position));
    else named.set(name, argument(value, position));
  }
  return { fields: named, values };
}

/** How many bytes an iovec array names: `[{..., 10}, {..., 5}]`. */
export function iovecLength(argument: Argument): number {
  if (!Array.isArray(argument)) return 0;
  return argument.reduce((sum: number, item: Argument) => {
    if (!isStruct(item)) return sum;
    const length = item.fields.get('iov_len') ?? item.values[1];
    return sum + (typeof length === 'number' ? length : 0);
  }, 0);
}
