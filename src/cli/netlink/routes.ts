import type { Route, RouteTable } from '../../index.js'
import { UsageError } from '../failure.js'
import type { Column } from '../table.js'
import { familyOf, familyOption } from './family.js'
import { listing } from './listing.js'
import { withSocket } from './with-socket.js'

export const routes = listing({
  name: 'routes',
  about: 'list routes, as `ip route` does',
  options: {
    family: familyOption,
    table: {
      type: 'string',
      short: 't',
      value: 'TABLE',
      about: "the routing table: 'main' (default), 'local', a number, or 'all'",
    },
  },
  examples: [
    { line: 'routes', about: 'the main table' },
    { line: 'routes --dev eth0 --table all', about: 'whatever leads to eth0' },
  ],
  columns: (): Column<Route>[] => [
    { title: 'DESTINATION', of: ({ destination }) => destination },
    { title: 'TYPE', of: ({ type }) => (type === 'unicast' ? '' : type) },
    { title: 'VIA', of: ({ gateway }) => gateway },
    { title: 'DEV', of: ({ dev }) => dev },
    { title: 'SOURCE', of: ({ preferredSource }) => preferredSource },
    { title: 'METRIC', align: 'right', of: ({ metric }) => (metric === 0 ? '' : metric) },
    { title: 'PROTOCOL', of: ({ protocol }) => protocol },
    { title: 'SCOPE', of: ({ scope }) => scope },
    { title: 'TABLE', of: ({ table }) => (table === 'main' ? '' : table) },
    { title: 'FLAGS', of: ({ flags }) => flags.join(' ') },
  ],
  list: (place, { dev, family, table = 'main' }) =>
    withSocket(place, rt => rt.routes.list({ ...(dev && { dev }), ...familyOf(family), ...tableOf(table) })),
  rows: routes => routes.flatMap(waysOf),
})

const NAMED = ['default', 'main', 'local']

function tableOf(text: string): { table?: RouteTable } {
  if (text === 'all') return {}
  if (NAMED.includes(text)) return { table: text as RouteTable }
  const number = Number(text)
  if (/^\d+$/.test(text) && number <= 0xffff_ffff) return { table: number }
  throw new UsageError(`--table is '${text}': expected ${NAMED.join(', ')}, all or a number`)
}

/** A route of several ways has a row for each. */
function waysOf(route: Route): Route[] {
  const [first, ...others] = route.nexthops ?? []
  if (first === undefined) return [route]
  const { destination: _, ...rest } = route
  return [
    { ...route, ...wayOf(first) },
    ...others.map(nexthop => ({ ...rest, destination: '', ...wayOf(nexthop) })),
  ]
}

const wayOf = ({ gateway, dev, flags }: NonNullable<Route['nexthops']>[number]): Partial<Route> => ({
  flags,
  ...(gateway === undefined ? {} : { gateway }),
  ...(dev === undefined ? {} : { dev }),
})
