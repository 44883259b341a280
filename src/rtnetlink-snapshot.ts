import { anything, list, object, oneOf, optional, type Declaration } from './input/index.js'
import type { Uncarried } from './netlink/uncarried.js'
import type { ObjectType } from './netlink/object-type.js'
import { OBJECTS, type Objects, type Tables } from './rtnetlink-tables.js'

export type DecodedOf<O> =
  O extends ObjectType<infer _Spec, infer _Key, infer _Query, infer Decoded> ? Decoded : never

/** Lists of objects, by table, as `list` gives them. */
export type RtnetlinkSnapshot = {
  [Name in keyof Objects]: (DecodedOf<Objects[Name]> & Uncarried)[]
}

export type TableName = keyof Objects

export const TABLE_NAMES = Object.keys(OBJECTS) as TableName[]

export const tableNamesInput: Declaration<readonly TableName[]> = list(
  oneOf(...TABLE_NAMES),
  'a list of tables',
)

/** Lists of objects, each of which its own verb checks. */
export const snapshotInput: Declaration<Partial<RtnetlinkSnapshot>> = object(
  Object.fromEntries(TABLE_NAMES.map(name => [name, optional(list(anything, 'a list of objects'))])),
)

/** All objects of some tables. */
export async function snapshot<Name extends TableName>(
  rt: Tables<'async'>,
  names: readonly Name[],
): Promise<Pick<RtnetlinkSnapshot, Name>> {
  const lists: Partial<Record<TableName, unknown[]>> = {}
  for (const name of names) lists[name] = await listAll(rt, name)
  return lists as Pick<RtnetlinkSnapshot, Name>
}

/** Classes are listed per device and filters per qdisc or class, so those say where to look. */
async function listAll(rt: Tables<'async'>, name: TableName): Promise<unknown[]> {
  switch (name) {
    case 'classes':
      return allClasses(rt)
    case 'filters':
      return allFilters(rt)
    default:
      return rt[name].list({})
  }
}

async function allClasses(rt: Tables<'async'>): Promise<RtnetlinkSnapshot['classes']> {
  const devices = new Set((await rt.qdiscs.list()).map(({ ifindex }) => ifindex))
  return (await Promise.all([...devices].map(dev => rt.classes.list({ dev })))).flat()
}

async function allFilters(rt: Tables<'async'>): Promise<RtnetlinkSnapshot['filters']> {
  const [qdiscs, classes] = [await rt.qdiscs.list(), await allClasses(rt)]
  const places = [
    ...qdiscs.flatMap(({ ifindex, kind, handle }) =>
      hooks(kind, handle).map(parent => ({ dev: ifindex, parent })),
    ),
    ...classes.map(({ ifindex, classid }) => ({ dev: ifindex, parent: classid })),
  ]
  return (await Promise.all(places.map(place => rt.filters.list(place)))).flat()
}

/** What filters hang on of a qdisc; nothing of one that the kernel made by itself. */
function hooks(kind: string, handle: string): string[] {
  if (kind === 'clsact') return ['ingress', 'egress']
  if (kind === 'ingress') return ['ingress']
  return handle === '0:' ? [] : [handle]
}
