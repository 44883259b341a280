import { isIpv6 } from '../netlink/codec/ip-version.js'
import type { Verb } from '../netlink/object-type.js'
import { readDestination } from './route-destination.js'
import { encapsulationRemark, realmWords } from './route-encapsulation.js'
import { metricWords } from './route-metrics.js'
import type { Nexthop, RouteKey, RouteSpec } from './route-spec.js'
import { deviceWord } from '../netlink/device-word.js'
import { shellWord } from '../netlink/shell-word.js'

/** The `ip route` line of a verb. */
export function routeCommand(verb: Verb, object: RouteSpec | RouteKey): string {
  const ip = isInet6(object) ? 'ip -6 route' : 'ip route'
  if (verb === 'get') {
    const { destination, source, dev, fibMatch } = object as RouteKey
    return [
      `${ip} get`,
      ...(fibMatch ? ['fibmatch'] : []),
      shellWord(destination),
      ...(source === undefined ? [] : [`from ${shellWord(source)}`]),
      ...(dev === undefined ? [] : [`oif ${deviceWord(dev)}`]),
    ].join(' ')
  }
  const words = [`${ip} ${verb === 'delete' ? 'del' : verb}`, ...keyWords(object)]
  if (verb === 'delete') return words.join(' ')
  const spec: RouteSpec = object
  return [...words, ...settingWords(spec), ...encapsulationRemark([spec, ...(spec.nexthops ?? [])])].join(' ')
}

/** What a deletion leaves open (unspec, nowhere) is left out: `ip` has no words for some of it. */
function keyWords(key: RouteKey & { onlink?: boolean | undefined }): string[] {
  const {
    type,
    destination,
    source,
    tos,
    table,
    protocol,
    scope,
    metric,
    preferredSource,
    nexthopId,
    nexthops = [],
  } = key
  const words = {
    from: source,
    tos,
    table,
    proto: protocol === 'unspec' ? undefined : protocol,
    scope: scope === 'nowhere' ? undefined : scope,
    metric,
    src: preferredSource,
    nhid: nexthopId,
  }
  return [
    ...(type === undefined || type === 'unspec' ? [] : [String(type)]),
    shellWord(destination),
    ...Object.entries(words).flatMap(([word, value]) =>
      value === undefined ? [] : [`${word} ${shellWord(value)}`],
    ),
    ...(nexthopId === undefined
      ? [...wayWords(key, key), ...nexthops.map(one => nexthopWords(one, key))]
      : []),
  ]
}

function nexthopWords(nexthop: Nexthop, route: RouteKey): string {
  const weight = nexthop.weight === undefined ? [] : [`weight ${nexthop.weight}`]
  return ['nexthop', ...wayWords(nexthop, route), ...weight, ...realmWords(nexthop)].join(' ')
}

function wayWords({ gateway, dev, onlink }: Nexthop, route: RouteKey): string[] {
  const via =
    gateway === undefined
      ? []
      : [isIpv6(gateway) && !isInet6(route) ? `via inet6 ${gateway}` : `via ${shellWord(gateway)}`]
  return [...via, ...(dev === undefined ? [] : [`dev ${deviceWord(dev)}`]), ...(onlink ? ['onlink'] : [])]
}

function settingWords({ metrics = {}, preference, expires, realms }: RouteSpec): string[] {
  return [
    ...realmWords({ realms }),
    ...metricWords(metrics),
    ...(preference === undefined ? [] : [`pref ${preference}`]),
    ...(expires === undefined ? [] : [`expires ${Math.ceil(expires)}`]),
  ]
}

const isInet6 = (key: RouteKey): boolean => readDestination(key).family === 'inet6'
