/** What can be told without running: so that a script that cannot be run is never taken for one that failed, or passed. */

import { namesIn, parseCode } from '../code/parse-code.ts';
import type { Position, Script, ScriptEvent } from '../language/syntax.ts';
import { UnsupportedError } from '../script-error.ts';
import { checkOption } from '../system/socket-options.ts';
import { STACK_CALLS } from '../system/stack-system.ts';
import { type Argument, isStruct, systemCall, type SystemCall } from '../system/system-call.ts';
import { WORDS } from '../system/words.ts';
import { TCP_INFO_NAMES } from '../tcp-info.ts';

/** Throws `UnsupportedError` for the first construct that cannot be run, `ScriptError` for a code block that is wrong. */
export function checkScript(script: Script, target: 'stack' | 'kernel'): void {
  for (const event of script.events) {
    const { action, position } = event;
    if (action.type === 'shell')
      throw new UnsupportedError('a command in the middle of a script: settings come first', position);
    if (action.type === 'code') checkCode(action.code, action.position, target);
    if (action.type === 'call') checkCall(systemCall(action, position), target);
    if (action.type === 'packet') checkPacket(event);
  }
}

function checkCode(code: string, start: Position, target: 'stack' | 'kernel'): void {
  for (const { name, position } of namesIn(parseCode(code, start))) {
    if (!/^(tcpi_|SK_MEMINFO)/.test(name)) continue;
    if (target === 'stack' && !TCP_INFO_NAMES.has(name))
      throw new UnsupportedError(`the name ${name}`, position);
  }
}

function checkCall(call: SystemCall, target: 'stack' | 'kernel'): void {
  const { name, args, position } = call;
  if (!STACK_CALLS.has(name)) throw new UnsupportedError(`system call ${name}`, position);
  if (name === 'socket') checkSocket(args, position);
  if (name === 'recvmsg' || name === 'sendmsg') checkMessage(args[1], position);
  if (target === 'stack' && (name === 'setsockopt' || name === 'getsockopt'))
    checkOption(args[1], args[2], name === 'getsockopt', position);
}

function checkSocket([family, type]: readonly Argument[], position: Position): void {
  if (family !== undefined && family !== WORDS['AF_INET'] && family !== WORDS['AF_INET6'])
    throw new UnsupportedError('sockets other than AF_INET and AF_INET6', position);
  if (typeof type === 'number' && (type & 0xf) !== WORDS['SOCK_STREAM'])
    throw new UnsupportedError('sockets other than SOCK_STREAM', position);
}

/** What is beside the bytes of a message is not looked at, so it must not be asked for. */
function checkMessage(message: Argument, position: Position): void {
  if (message === undefined || !isStruct(message)) return;
  if (message.fields.has('msg_control'))
    throw new UnsupportedError('control messages (msg_control)', position);
  const flags = message.fields.get('msg_flags');
  if (flags !== undefined && flags !== 0) throw new UnsupportedError('msg_flags other than 0', position);
}

function checkPacket({ action, position }: ScriptEvent): void {
  if (action.type !== 'packet') return;
  const { body } = action;
  if (body.kind === 'encapsulated') throw new UnsupportedError(`encapsulation ${body.name}`, position);
  if (body.kind === 'tcp' && body.udp !== undefined) throw new UnsupportedError('TCP in UDP', position);
  if (body.kind === 'raw' && action.direction === 'out')
    throw new UnsupportedError('raw bytes as an expectation', position);
}
