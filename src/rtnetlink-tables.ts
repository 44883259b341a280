import { address, link, neighbour, route } from './rtnetlink/index.js'
import { filter, qdisc, trafficClass } from './tc/index.js'
import type { ObjectType } from './netlink/object-type.js'
import { optionChecks, type Mode } from './rtnetlink-verb-options.js'
import { Verbs, type Executor } from './rtnetlink-verbs.js'

/** Every kind of object of rtnetlink, under the name its verbs have on a socket. */
export const OBJECTS = {
  links: link,
  addresses: address,
  routes: route,
  neighbours: neighbour,
  qdiscs: qdisc,
  classes: trafficClass,
  filters: filter,
} as const

export type Objects = typeof OBJECTS

type VerbsOf<M extends Mode, O> =
  O extends ObjectType<infer Spec, infer Key, infer Query, infer Decoded, infer Taken>
    ? Verbs<M, Spec, Key, Query, Decoded, Taken>
    : never

/** The kernel's tables, each with its verbs. */
export type Tables<M extends Mode> = { readonly [Name in keyof Objects]: VerbsOf<M, Objects[Name]> }

const CHECKS = Object.fromEntries(Object.keys(OBJECTS).map(name => [name, optionChecks(name)])) as Readonly<
  Record<keyof Objects, ReturnType<typeof optionChecks>>
>

/** The verbs of every table, carried out by `executor`. */
export const tablesOf = <M extends Mode>(executor: Executor<M>): Tables<M> =>
  Object.fromEntries(
    Object.entries(OBJECTS).map(([name, object]) => [
      name,
      new Verbs(executor, object as never, CHECKS[name as keyof Objects][executor.mode]),
    ]),
  ) as unknown as Tables<M>
