/**
 * Compares the declarations with C: everything that can be reached from a message, so that nothing is left out.
 */
import { readdirSync, readFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { errnoName } from '../src/native/errno.js'
import { attributeSets, messageTypes, structs } from './abi/declarations.js'
import { cArrays, cStructs, type CStruct } from './abi/structs.js'
import { cValues, cWords, hasCompiler } from './helpers/c-values.js'

const HEADERS = [
  'errno.h',
  'sched.h',
  'sys/mount.h',
  'sys/socket.h',
  'netinet/in.h',
  'linux/filter.h',
  'linux/gen_stats.h',
  'linux/if.h',
  'linux/if_addr.h',
  'linux/if_bridge.h',
  'linux/if_ether.h',
  'linux/if_link.h',
  'linux/inet_diag.h',
  'linux/ip.h',
  'linux/ipv6.h',
  'linux/magic.h',
  'linux/neighbour.h',
  'linux/net_namespace.h',
  'linux/netlink.h',
  'linux/nsfs.h',
  'linux/pkt_cls.h',
  'linux/pkt_sched.h',
  'linux/rtnetlink.h',
  'linux/sched.h',
  'linux/sock_diag.h',
  'linux/sockios.h',
  'linux/tc_act/tc_gact.h',
  'linux/tc_act/tc_mirred.h',
  'linux/tcp.h',
  'linux/veth.h',
]

const compiler = hasCompiler()
const words = compiler.skip === false ? cWords(HEADERS) : new Set<string>()

/**
 * Names that came after Linux 6.1, with their number and the first kernel that has them. They are compared all the same
 * where the header has them.
 */
const NEWER: Readonly<Record<string, readonly [number: number, since: string]>> = {
  TCA_EXT_WARN_MSG: [16, '6.3'],
  IFLA_DEVLINK_PORT: [62, '6.2'],
  IFLA_BRPORT_MAB: [40, '6.2'],
  IFLA_BRPORT_MCAST_N_GROUPS: [41, '6.3'],
  IFLA_BRPORT_MCAST_MAX_GROUPS: [42, '6.3'],
  IFLA_BRPORT_NEIGH_VLAN_SUPPRESS: [43, '6.4'],
  IFLA_GSO_IPV4_MAX_SIZE: [63, '6.3'],
  IFLA_GRO_IPV4_MAX_SIZE: [64, '6.3'],
  IFLA_DPLL_PIN: [65, '6.7'],
  IFLA_BR_FDB_N_LEARNED: [48, '6.7'],
  IFLA_BR_FDB_MAX_LEARNED: [49, '6.7'],
  IFLA_MAX_PACING_OFFLOAD_HORIZON: [66, '6.13'],
  IFLA_NETNS_IMMUTABLE: [67, '6.15'],
  IFLA_HEADROOM: [68, '6.18'],
  IFLA_TAILROOM: [69, '6.18'],
}

/** Asserts that the numbers are those that C has under the same names. */
function sameNumbers(t: Test, numbers: ReadonlyMap<string, number>): void {
  const known = [...numbers.keys()].filter(name => words.has(name) || !Object.hasOwn(NEWER, name))
  const values = cValues(HEADERS, known)
  for (const [name, number] of numbers) t.equal(number, values.get(name) ?? NEWER[name]?.[0], name)
}

t.test('attributes have the numbers of the kernel', compiler, async t => {
  const declared = attributeSets.flatMap(({ declarations }) => Object.values(declarations))
  const numbers = new Map(declared.map(([name, type]) => [name, type]))
  t.ok(numbers.size > 200, `${numbers.size} attributes`)
  sameNumbers(t, numbers)
  for (const [name, type] of declared) t.equal(type, numbers.get(name), `${name} is the same everywhere`)
})

t.test('messages have the numbers of the kernel', compiler, async t => {
  sameNumbers(t, new Map(messageTypes.map(({ name, type }) => [name, type])))
})

/** Constants in the sources that carry a name of the kernel's: `const TC_H_ROOT = 0xffffffff`. */
function constantsOfTheKernel(): Map<string, number> {
  const folder = new URL('../src/', import.meta.url)
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(name =>
    name.endsWith('.ts'),
  )
  const found = files.flatMap(name => [
    ...readFileSync(new URL(name, folder), 'utf8').matchAll(
      /^(?:export )?const ([A-Z]+_[A-Z0-9_]+|E[A-Z]+) = (-?(?:0x[0-9a-f_]+|\d+))$/gm,
    ),
  ])
  // Attributes of kinds that are not modelled, which no message leads to: `['TCA_BASIC_ACT', 3]`.
  const pairs = files.flatMap(name => [
    ...readFileSync(new URL(name, folder), 'utf8').matchAll(/\['(TCA_[A-Z0-9_]+)', (\d+)\]/g),
  ])
  return new Map(
    [...found, ...pairs]
      .map(([, name = '', value = '']) => [name, parseNumber(value)] as const)
      .filter(([name]) => words.has(name) || KERNEL_PREFIX.test(name)),
  )
}

/** Prefixes that only the kernel's constants have: a constant that has one is compared, or is wrong. */
const KERNEL_PREFIX =
  /^(AF|BPF|CLONE|IFA|IFF|IFLA|INET_DIAG|MS|NETLINK|NL[AM]|NLMSG|NTF|NUD|RTA|RTM|RTN|RTNLGRP|RTPROT|SIOC|SKF|SO|SOCK|SOL|TCA?)_/

/** Constants that are not the same expression in C. Error numbers are not either: the sources have them negative. */
const IN_C: Readonly<Record<string, string>> = { NLA_TYPE_MASK: 'NLA_TYPE_MASK & 0xffff' }

const parseNumber = (text: string): number =>
  (text.startsWith('-') ? -1 : 1) * Number(text.replace('-', '').replaceAll('_', ''))

t.test('constants have the values of the kernel', compiler, async t => {
  const constants = constantsOfTheKernel()
  t.ok(constants.size > 100, `${constants.size} constants`)
  const inC = (name: string): string => IN_C[name] ?? (/^E[A-Z]+$/.test(name) ? `-${name}` : name)
  const values = cValues(HEADERS, [...constants.keys()].map(inC))
  for (const [name, value] of constants) t.equal(value, values.get(inC(name)), name)
})

t.test('error numbers have the names of the kernel', compiler, async t => {
  const names = [...cWords(['errno.h'])].filter(word => /^E[A-Z0-9]{2,}$/.test(word))
  const numbers = cValues(['errno.h'], names)
  const aliases = new Set(['EWOULDBLOCK', 'EDEADLOCK', 'ENOTSUP'])
  t.ok(names.length > 130, `${names.length} error numbers`)
  for (const name of names) if (!aliases.has(name)) t.equal(errnoName(numbers.get(name) ?? 0), name)
})

const snakeCase = (name: string): string => name.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`)

/** What has to be compared of a struct: C expressions, and what the declaration says. */
function layoutOf({ declared, name, prefix = '', renamed = {}, bitFields = [], newer = {} }: CStruct) {
  const cName = (member: string): string => renamed[member] ?? prefix + snakeCase(member)
  const known = Object.keys(declared.offsets).filter(
    member => !bitFields.includes(member) && (words.has(cName(member)) || newer[member] === undefined),
  )
  const whole = Object.keys(newer).every(member => known.includes(member))
  const offsets = known.map(
    member => [`offsetof(${name}, ${cName(member)})`, declared.offsets[member]] as const,
  )
  return new Map([...(whole ? [[`sizeof(${name})`, declared.size] as const] : []), ...offsets])
}

t.test('structs have the layout of the kernel', compiler, async t => {
  const layouts = cStructs.map(layoutOf)
  const values = cValues(
    HEADERS,
    layouts.flatMap(layout => [...layout.keys()]),
  )
  for (const layout of layouts) for (const [what, size] of layout) t.equal(size, values.get(what), what)
})

t.test('arrays have the order of the kernel', compiler, async t => {
  for (const { declared, prefix } of cArrays) {
    const numbers = Object.entries(declared.offsets).map(
      ([member, offset]) => [prefix + snakeCase(member).toUpperCase(), offset / 4] as const,
    )
    sameNumbers(t, new Map(numbers))
    t.equal(declared.size / 4, cValues(HEADERS, [`${prefix}VARS`]).get(`${prefix}VARS`), `${prefix}VARS`)
  }
})

t.test('every struct of a message is among those compared', async t => {
  const compared = new Set([...cStructs, ...cArrays].map(({ declared }) => declared))
  t.ok(structs.length > 40, `${structs.length} structs`)
  for (const struct of structs) t.ok(compared.has(struct), `{ ${Object.keys(struct.offsets).join(', ')} }`)
})
