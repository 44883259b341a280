import { argument, object, type AnyDeclaration, type ArgumentCheck } from './input/index.js'
import {
  callInput,
  dumpInput,
  dumpInputSync,
  type CallOptions,
  type DumpOptions,
  type DumpOptionsSync,
} from './netlink/call-options.js'

/** Which form of the socket: `'async'` gives promises, `'sync'` values. */
export type Mode = 'async' | 'sync'

/** Options of a call. One that blocks has none: nothing could abort it. */
export type CallOptionsOf<M extends Mode> = M extends 'sync' ? Readonly<Record<string, never>> : CallOptions

/** Options of a call that reads a table. */
export type DumpOptionsOf<M extends Mode> = M extends 'sync' ? DumpOptionsSync : DumpOptions

const VERBS = ['add', 'replace', 'change', 'delete', 'get', 'list'] as const

/** Throws TypeError or RangeError for options that a verb does not have. */
export type OptionChecks = Readonly<Record<(typeof VERBS)[number], ArgumentCheck>>

/** The checks of the options of each verb that a socket has under the name `table`. */
export const optionChecks = (table: string): Readonly<Record<Mode, OptionChecks>> => ({
  async: checksOf(table, callInput, dumpInput),
  sync: checksOf(`RtnetlinkSocketSync.${table}`, object({}), dumpInputSync),
})

const checksOf = (table: string, call: AnyDeclaration, dump: AnyDeclaration): OptionChecks =>
  Object.fromEntries(
    VERBS.map(verb => [
      verb,
      argument(`${table}.${verb}`, 'options', { optional: verb === 'list' ? dump : call }),
    ]),
  ) as OptionChecks
