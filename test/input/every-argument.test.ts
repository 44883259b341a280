import { fileURLToPath } from 'node:url'
import t from 'tap'
import ts from 'typescript'
import { declaredArguments, namesOf, type AnyDeclaration, type Argument } from '../../src/input/index.js'
import '../../src/index.js'
import '../../src/metrics.js'
import { tablesOf } from '../../src/rtnetlink-tables.js'
import type { Executor } from '../../src/rtnetlink-verbs.js'

/**
 * What takes objects without a declaration, and why. A name ends the list of its members with a star: `codec.*`.
 */
const exceptions: Readonly<Record<string, string>> = {
  'jsonReplacer.value': 'any value of JSON',
  'jsonReviver.value': 'any value of JSON',
  'peerCredentials.socket': 'a socket of node:net; the kernel says what it is none of',
  'rtnetlinkProtocol.*': 'a protocol: called by the netlink layer with what it decoded',
  'sockDiagProtocol.*': 'a protocol: called by the netlink layer with what it decoded',
  'Verbs.*': 'declared for each table: see the test of the verbs',
  'NetlinkSocketSync.request.request': 'checked as that of NetlinkSocket.request',
  'NetlinkSocketSync.dump.request': 'checked as that of NetlinkSocket.dump',
  'Message.*': 'decodes by a message type, which is a constant of a program',
  'new Message.*': 'made by the netlink layer, of what it has received',
  'new RtnetlinkMonitor.*': 'exported as a type: made by monitor()',
  'new Verbs.*': 'exported as a type: the tables of a socket are made of it',
  'new NetlinkError.*': 'made by the netlink layer, of what the kernel has answered',
  'new DumpInterruptedError.*': 'made by the netlink layer, of what it has received',
  'new IsolatorError.*': 'made by the isolator',
  'isolatorOptions.*': 'a declaration, which is asked of values of any kind',
  'interfaceName.*': 'likewise',
  'containerInterfaceName.*': 'likewise',
  'messageBody.*': 'makes a codec of codecs, which are constants of a program',
  'messagesByType.*': 'message types are constants of a program',
  'socketFrom.*': 'what a reply was decoded to',
  'netnsId.of.replies': 'messages as request() gives them',
  'linkProperty.*': 'part of the isolator: the socket has no verbs for it',
  'PortRanges.from.input':
    'reads texts, pairs and what Mesos has in JSON; refuses all else as ERR_INVALID_OPTION',
  'PortRanges.contains.other': 'a PortRanges, whose private fields nothing else has',
  'PortRanges.overlaps.other': 'a PortRanges, whose private fields nothing else has',
  'PortRanges.union.other': 'a PortRanges, whose private fields nothing else has',
  'PortRanges.subtract.other': 'a PortRanges, whose private fields nothing else has',
  'PortRanges.intersect.other': 'a PortRanges, whose private fields nothing else has',
  'PortRanges.equals.other': 'a PortRanges, or what is written alike',
}

/** The verbs of a socket are declared under the names of the tables. */
const tables = ['links', 'addresses', 'routes', 'neighbours', 'qdiscs', 'classes', 'filters']
const objectTypes = ['link', 'address', 'route', 'neighbour', 'qdisc', 'trafficClass', 'filter']

const entries = ['index.ts', 'metrics.ts'].map(name =>
  fileURLToPath(new URL(`../../src/${name}`, import.meta.url)),
)

/** `function.argument` of every argument of the public surface that may be an object. */
function objectArguments(): string[] {
  const program = ts.createProgram(entries, {
    ...{
      strict: true,
      skipLibCheck: true,
      noEmit: true,
      types: ['node'],
      lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts'],
    },
    ...{ target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.NodeNext },
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
  })
  return entries.flatMap(entry => objectArgumentsOf(program, entry))
}

function objectArgumentsOf(program: ts.Program, entry: string): string[] {
  const checker = program.getTypeChecker()
  const source = program.getSourceFile(entry)
  const module = source && checker.getSymbolAtLocation(source)
  if (!module) return []
  const found = new Set<string>()
  const isObject = (type: ts.Type): boolean => {
    if (type.isUnionOrIntersection()) return type.types.some(isObject)
    if (type.flags & ts.TypeFlags.TypeParameter) return true
    return (type.flags & (ts.TypeFlags.Object | ts.TypeFlags.Unknown | ts.TypeFlags.Any)) !== 0
  }
  const take = (name: string, type: ts.Type, kind = ts.SignatureKind.Call): void => {
    for (const signature of checker.getSignaturesOfType(checker.getNonNullableType(type), kind)) {
      const { modifiers = [] } = (signature.getDeclaration() as ts.ConstructorDeclaration | undefined) ?? {}
      if (modifiers.some(({ kind }) => kind === ts.SyntaxKind.PrivateKeyword)) continue
      signature.getParameters().forEach((parameter, i) => {
        if (!isObject(checker.getTypeOfSymbolAtLocation(parameter, source))) return
        found.add(`${name}.${parameter.name.startsWith('__') ? `#${i}` : parameter.name}`)
      })
    }
  }
  /** Whether a member is of this package: classes have members of Error and arrays too. */
  const isOurs = (member: ts.Symbol): boolean =>
    member.declarations?.some(({ parent }) => {
      const file = parent.getSourceFile().fileName
      return file.includes('/src/')
    }) ?? false
  for (const exported of checker.getExportsOfModule(module)) {
    const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported
    if (!(symbol.flags & ts.SymbolFlags.Value) || symbol.flags & ts.SymbolFlags.ValueModule) continue
    const { name } = exported
    const type = checker.getTypeOfSymbolAtLocation(symbol, source)
    take(name, type)
    take(`new ${name}`, type, ts.SignatureKind.Construct)
    const members = type.getProperties().filter(({ name }) => name !== 'prototype')
    if (symbol.flags & ts.SymbolFlags.Class)
      members.push(...checker.getDeclaredTypeOfSymbol(symbol).getProperties())
    for (const member of members.filter(isOurs))
      if (!/^(__|#)/.test(member.name))
        take(`${name}.${member.name}`, checker.getTypeOfSymbolAtLocation(member, source))
  }
  return [...found]
}

const declared = declaredArguments()

/** `undefined` for an argument that is declared; of an exception, its name in the list. */
function isDeclared(name: string): boolean {
  return declared.some(argument => `${argument.of}.${argument.name}` === name)
}

const exceptionOf = (name: string): string | undefined =>
  Object.keys(exceptions).find(
    key => key === name || (key.endsWith('*') && name.startsWith(key.slice(0, -1))),
  )

t.test('every object that a public function takes is declared', async t => {
  const all = objectArguments().filter(name => !objectTypes.includes(name.split('.')[0] ?? ''))
  for (const name of ['SockDiagSocket.list.query', 'mirred.mirror.options', 'registerMetrics.registry'])
    t.ok(all.includes(name), `${name} is found`)
  const undeclared = all.filter(name => !isDeclared(name) && exceptionOf(name) === undefined)
  t.strictSame(undeclared, [], 'declared, or an exception with a reason')
  const used = new Set(all.filter(name => !isDeclared(name)).map(exceptionOf))
  t.strictSame(
    Object.keys(exceptions).filter(name => !used.has(name)),
    [],
    'no exception is stale',
  )
})

t.test('the verbs of every table', async t => {
  for (const table of tables) {
    for (const [verb, name] of Object.entries({
      ...{ add: 'spec', replace: 'spec', change: 'spec', delete: 'key', get: 'key', list: 'query' },
    })) {
      t.ok(isDeclared(`${table}.${verb}.${name}`), `${table}.${verb}: ${name}`)
      t.ok(isDeclared(`${table}.${verb}.options`), `${table}.${verb}: options`)
      t.ok(
        isDeclared(`RtnetlinkSocketSync.${table}.${verb}.options`),
        `${table}.${verb}: options of the blocking form`,
      )
    }
  }
})

/** The objects among what a declaration accepts. */
const objectsOf = (declaration: AnyDeclaration): AnyDeclaration[] => [
  ...(declaration.members ? [declaration] : []),
  ...(declaration.forms ?? []).flatMap(objectsOf),
  ...(declaration.elements ? objectsOf(declaration.elements) : []),
]

/** Values of every type. Whatever is declared refuses one of them, but `anything`. */
const values: readonly unknown[] = [
  Symbol('x'),
  'no such word',
  -1.5,
  true,
  7n,
  [[]],
  { no: 1 },
  () => undefined,
  null,
]

interface Count {
  refused: number
  of: number
}

function tryUnknown(argument: Argument, count: Count): void {
  for (const form of [argument.declaration, ...objectsOf(argument.declaration)]) {
    if (objectsOf(form).length === 0 || form.elements) continue
    count.of++
    const name = 'noSuchMember'
    if (!namesOf(form).has(name) && !form.accepts({ [name]: 1 }) && form.faultIn({ [name]: 1 }))
      count.refused++
  }
}

function tryWrongTypes({ declaration }: Argument, count: Count): void {
  for (const form of objectsOf(declaration)) {
    for (const [name, { declaration: member }] of form.members ?? []) {
      const wrong = values.filter(value => !member.accepts(value))
      if (wrong.length === 0 && member.words === 'anything') continue
      count.of++
      const refused = wrong.every(value => {
        const fault = form.faultIn({ [name]: value })
        return !form.accepts({ [name]: value }) && fault !== undefined && fault.path !== ''
      })
      if (refused && wrong.length > 0) count.refused++
    }
  }
}

t.test('an unknown name, and a wrong type of each member, are refused', async t => {
  const sum = { refused: 0, of: 0 }
  for (const argument of declared) {
    const { of, name, declaration } = argument
    const forms = objectsOf(declaration)
    const count = { refused: 0, of: 0 }
    count.of++
    if (values.some(value => !declaration.accepts(value) && declaration.faultIn(value))) count.refused++
    tryUnknown(argument, count)
    tryWrongTypes(argument, count)
    const members = new Set(forms.flatMap(form => [...(form.members?.keys() ?? [])])).size
    t.equal(count.refused, count.of, `${of}: ${name}`)
    t.comment(
      `${of}(${name}): ${members} members, ${forms.length} forms, refused: ${count.refused} of ${count.of}`,
    )
    sum.refused += count.refused
    sum.of += count.of
  }
  t.comment(`${declared.length} arguments, refused: ${sum.refused} of ${sum.of}`)
})

t.test('a verb refuses an unknown name, and options that are none, before anything is sent', async t => {
  let sent = 0
  const send = async (): Promise<never> => {
    sent++
    throw new Error('sent')
  }
  const executor: Executor<'async'> = {
    mode: 'async',
    devices: { interfaceIndex: () => 3, interfaceName: () => 'eth0' },
    attempt: async work => work(),
    ...{ request: send, series: send, dump: send },
  }
  const all = tablesOf(executor) as unknown as Record<
    string,
    Record<string, (...given: unknown[]) => unknown>
  >
  const controller = new AbortController()
  for (const table of tables) {
    for (const verb of ['add', 'replace', 'change', 'delete', 'get', 'list']) {
      const call = async (...given: unknown[]): Promise<unknown> => all[table]?.[verb]?.(...given)
      const unknown = {
        name: 'TypeError',
        message: new RegExp(`^${table}\\.${verb}: unknown 'noSuchMember'`),
      }
      // A link is named by its name or index, which is no object.
      const scalar = table === 'links' && (verb === 'delete' || verb === 'get')
      await t.rejects(
        call({ noSuchMember: 1 }),
        scalar ? { name: 'TypeError', message: /key is an object/ } : unknown,
      )
      if (!scalar) await t.rejects(call({}, { noSuchMember: 1 }), unknown)
      await t.rejects(call({}, controller.signal), { name: 'TypeError', message: /^\w+\.\w+: / })
    }
  }
  t.equal(sent, 0, 'nothing is sent')
  await t.rejects(
    async () => all.qdiscs?.list?.({}, { signal: controller.signal }),
    { message: 'sent' },
    'control',
  )
})
