import type { Device } from '../netlink/devices.js'
import type { Verb } from '../netlink/object-type.js'
import { bridgePortWords } from './bridge-port.js'
import { linkKind } from './kinds/index.js'
import { settingsWords } from './link-settings.js'
import type { LinkKey, AnyLinkSpec } from './link-spec.js'
import { deviceWord } from '../netlink/device-word.js'
import { shellWord } from '../netlink/shell-word.js'

/** The `ip link` line of a verb. Sysctls, which `ip` cannot set, follow in a `sysctl` of their own. */
export function linkCommand(verb: Verb, object: AnyLinkSpec | LinkKey): string {
  if (typeof object !== 'object') return `ip link ${verb === 'get' ? 'show' : verb} dev ${deviceWord(object)}`
  switch (verb) {
    case 'add':
    case 'replace':
      return make(verb, object)
    case 'change':
      return change(object)
    case 'delete':
    case 'get':
      return linkCommand(verb, target(object))
  }
}

const target = ({ dev, index, name }: AnyLinkSpec): Device => dev ?? index ?? name ?? ''

function make(verb: string, spec: AnyLinkSpec): string {
  const { link, name, index } = spec
  return [
    `ip link ${verb}`,
    ...(link === undefined ? [] : [`link ${deviceWord(link)}`]),
    ...(name === undefined ? [] : [`name ${shellWord(name)}`]),
    ...(index === undefined ? [] : [`index ${index}`]),
    ...settingsWords(spec),
    ...masterWords(spec),
    ...kindWords(spec),
  ].join(' ')
}

function change(spec: AnyLinkSpec): string {
  const dev = target(spec)
  const { name = dev, inet = {}, inet6 } = spec
  const kind = kindWords(spec)
  const words = [
    ...(name === dev ? [] : [`name ${shellWord(name)}`]),
    ...settingsWords(spec),
    ...masterWords(spec),
    ...(spec.alias === undefined ? [] : [`alias ${shellWord(spec.alias)}`]),
    ...(inet6?.addrGenMode === undefined ? [] : [`addrgenmode ${inet6.addrGenMode}`]),
    ...(kind.length > 1 && spec.kind !== 'veth' ? kind : []),
  ]
  const port = spec.bridgePort && bridgePortWords(spec.bridgePort)
  const sysctls = Object.entries(inet).map(([key, value]) =>
    shellWord(`net/ipv4/conf/${name}/${key}=${value}`),
  )
  return [
    ...(words.length === 0 ? [] : [`ip link set dev ${deviceWord(dev)} ${words.join(' ')}`]),
    ...(port ? [`ip link set dev ${deviceWord(name)} ${port.join(' ')}`] : []),
    ...(sysctls.length === 0 ? [] : [`sysctl -qw ${sysctls.join(' ')}`]),
    ...(inet6?.token === undefined ? [] : [`ip token set ${inet6.token} dev ${deviceWord(name)}`]),
  ].join(' && ')
}

const masterWords = ({ master }: AnyLinkSpec): string[] =>
  master === undefined ? [] : [master === null ? 'nomaster' : `master ${deviceWord(master)}`]

const kindWords = (spec: AnyLinkSpec): string[] =>
  spec.kind === undefined
    ? []
    : [`type ${shellWord(spec.kind)}`, ...(linkKind(spec.kind)?.words(spec as never) ?? [])]
