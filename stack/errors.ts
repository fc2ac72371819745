/** What can be wrong with a user's call, in the system's words. */
export type StackErrorCode = 'EADDRINUSE' | 'EADDRNOTAVAIL' | 'ENETUNREACH' | 'EINVAL' | 'EMFILE';

/** A call that the stack could not carry out: thrown to the caller, never on the data path. */
export class StackError extends Error {
  readonly code: StackErrorCode;

  constructor(code: StackErrorCode, message: string) {
    super(message);
    this.name = 'StackError';
    this.code = code;
  }
}
