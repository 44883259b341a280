import {
  abortSignal,
  number,
  object,
  oneOf,
  optional,
  type Declaration,
  type InputOf,
} from '../input/index.js'

const call = object({
  /** Gives up waiting. What was sent is carried out all the same: the kernel takes no request back. */
  signal: optional(abortSignal),
})

/** Options of a call. */
export interface CallOptions extends InputOf<typeof call> {}
export const callInput: Declaration<CallOptions> = call

const dumpLimit = object({
  /** A table with more entries is not kept in memory but is DumpTooLargeError. Default: no limit. */
  maxMessages: optional(number(0, Infinity, 'a number of messages')),
})

/** Options of a call that reads a table and blocks meanwhile. */
export interface DumpOptionsSync extends InputOf<typeof dumpLimit> {}
export const dumpInputSync: Declaration<DumpOptionsSync> = dumpLimit

/** Options of a call that reads a table. */
export interface DumpOptions extends CallOptions, DumpOptionsSync {}
export const dumpInput: Declaration<DumpOptions> = object({}, callInput, dumpInputSync)

const batchEnd = object({
  /**
   * A batch too large for one sendmsg goes out in parts. `'continue'` (default) sends them all, as the kernel does
   * within one part; `'stop'` sends no further part once a message was refused.
   */
  onError: optional(oneOf('continue', 'stop')),
})

/** Options of a batch that blocks until it is carried out. */
export interface BatchOptionsSync extends InputOf<typeof batchEnd> {}
export const batchInputSync: Declaration<BatchOptionsSync> = batchEnd

/** Options of a batch. */
export interface BatchOptions extends CallOptions, BatchOptionsSync {}
export const batchInput: Declaration<BatchOptions> = object({}, callInput, batchInputSync)
