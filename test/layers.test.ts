import { readdirSync, readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import ts from 'typescript'

/** What each folder or file directly under src/ may import, itself apart. Everything else points up or sideways. */
const below: Record<string, readonly string[]> = {
  input: [],
  native: [],
  netns: ['native', 'input'],
  netlink: ['native', 'input', 'netns'],
  rtnetlink: ['native', 'input', 'netns', 'netlink'],
  tc: ['native', 'input', 'netns', 'netlink'],
  'sock-diag': ['input', 'netns', 'netlink'],
  ethtool: ['netns', 'netlink'],
  'rtnetlink-*.ts': ['native', 'input', 'netns', 'netlink', 'rtnetlink', 'tc'],
  isolator: [
    ...['native', 'input', 'netns', 'netlink', 'rtnetlink', 'tc', 'sock-diag', 'ethtool', 'rtnetlink-*.ts'],
  ],
  'index.ts': [
    ...['input', 'native', 'netns', 'netlink', 'rtnetlink', 'tc', 'sock-diag', 'rtnetlink-*.ts', 'isolator'],
  ],
  'metrics.ts': ['input', 'isolator'],
  // `nearest` names are found as everywhere; all that touches the kernel is behind the public surface.
  cli: ['index.ts', 'input'],
}

/** What is in src/isolator/, from the ground up. A room may import those before it, itself apart. */
const rooms = [
  ...['isolator-error.ts', 'ports', 'options', 'layout', 'programs', 'plan', 'mesos', 'kernel', 'host'],
  ...[
    'container',
    'recovery',
    'inspection',
    'removal',
    'statistics',
    'health',
    'explain.ts',
    'prepare-host.ts',
    'calls.ts',
    'cleanups.ts',
  ],
  ...['port-mapping-isolator.ts', 'http'],
]

/** What each folder of cni/src/ may import, likewise. */
const belowCni: Record<string, readonly string[]> = {
  spec: [],
  network: ['spec'],
  'plug-in': ['spec', 'network'],
  http: [],
  daemon: ['spec', 'network', 'plug-in', 'http'],
  oci: ['spec', 'network', 'plug-in'],
  netavark: ['spec', 'network', 'plug-in'],
  programs: ['spec', 'network', 'plug-in', 'daemon', 'oci', 'netavark'],
}

/** What a package's folders and files may import: each other, and other packages. */
interface Rules {
  readonly below: Record<string, readonly string[]>
  readonly packages: (layer: string) => readonly string[]
}

/** The packages that a layer of the library may import. */
const packagesOf: Record<string, readonly string[]> = {
  native: ['node-gyp-build'],
  'metrics.ts': ['prom-client'],
}

const library: Rules = { below, packages: layer => packagesOf[layer] ?? [] }
const cni: Rules = {
  below: belowCni,
  packages: () => ['rtnetlink', 'rtnetlink/metrics', 'pino', 'prom-client'],
}

/** Source text by path, e.g. `tc/kinds/u32.ts`. */
type Tree = Map<string, string>

const layerOf = (file: string): string =>
  (file.split('/')[0] ?? '').replace(/^rtnetlink-[\w-]+\.ts$/, 'rtnetlink-*.ts')

/** The room of a file of src/isolator/; undefined for a file elsewhere. */
function roomOf(file: string): string | undefined {
  const [layer, room] = file.split('/')
  return layer === 'isolator' ? room : undefined
}

/** Whether the rooms of src/isolator/ let one of its files import another file. */
function pointsDown(file: string, target: string): boolean {
  const [from, to] = [roomOf(file), roomOf(target)]
  return from === undefined || to === undefined || rooms.indexOf(to) <= rooms.indexOf(from)
}

/** The module specifiers of `import`, `export from`, `import()` and `require()` in one file, type imports included. */
function specifiers(file: string, text: string): string[] {
  const found: string[] = []
  const visit = (node: ts.Node): void => {
    const specifier =
      ts.isImportDeclaration(node) || ts.isExportDeclaration(node)
        ? node.moduleSpecifier
        : ts.isCallExpression(node) && /^(import|require)$/.test(node.expression.getText())
          ? node.arguments[0]
          : undefined
    if (specifier !== undefined && ts.isStringLiteral(specifier)) found.push(specifier.text)
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true))
  return found
}

/** The import graph of a tree, and what is wrong with its imports apart from cycles. */
function readImports(
  tree: Tree,
  { below, packages }: Rules,
): { graph: Map<string, string[]>; faults: string[] } {
  const graph = new Map<string, string[]>()
  const faults: string[] = []
  for (const [file, text] of tree) {
    const layer = layerOf(file)
    const allowed = below[layer]
    if (allowed === undefined) faults.push(`${file}: ${layer} is not a layer`)
    const room = roomOf(file)
    if (room !== undefined && !rooms.includes(room))
      faults.push(`${file}: ${room} is not a room of isolator/`)
    const edges: string[] = []
    for (const specifier of specifiers(file, text)) {
      if (!specifier.startsWith('.')) {
        if (!isBuiltin(specifier) && !packages(layer).includes(specifier))
          faults.push(`${file}: imports the package ${specifier}`)
        continue
      }
      const target = join(dirname(file), specifier).replace(/\.js$/, '.ts')
      if (!tree.has(target)) faults.push(`${file}: imports ${target}, which is not in src/`)
      else edges.push(target)
      if ((layerOf(target) !== layer && !allowed?.includes(layerOf(target))) || !pointsDown(file, target))
        faults.push(`${file}: may not import ${target}`)
    }
    graph.set(file, edges)
  }
  return { graph, faults }
}

/** Every import cycle once, as a path that ends where it begins. */
function cycles(graph: Map<string, string[]>): string[] {
  const found: string[] = []
  const done = new Set<string>()
  const walk = (file: string, path: string[]): void => {
    const start = path.indexOf(file)
    if (start >= 0) found.push([...path.slice(start), file].join(' > '))
    if (start >= 0 || done.has(file)) return
    for (const target of graph.get(file) ?? []) walk(target, [...path, file])
    done.add(file)
  }
  for (const file of graph.keys()) walk(file, [])
  return found
}

function faultsOf(tree: Tree, rules = library): string[] {
  const { graph, faults } = readImports(tree, rules)
  return [...faults, ...cycles(graph).map(cycle => `cycle: ${cycle}`)]
}

function readTree(folder: string): Tree {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(name =>
    name.endsWith('.ts'),
  )
  return new Map(files.map(name => [name, readFileSync(join(folder, name), 'utf8')]))
}

t.test('the imports of src/ point down', async t => {
  const tree = readTree(fileURLToPath(new URL('../src', import.meta.url)))
  t.ok(tree.size > 0, 'there are sources to check')
  t.strictSame(faultsOf(tree), [])
})

t.test('the imports of cni/src/ point down, and to the public surface of rtnetlink', async t => {
  const tree = readTree(fileURLToPath(new URL('../cni/src', import.meta.url)))
  t.ok(tree.size > 0, 'there are sources to check')
  t.strictSame(faultsOf(tree, cni), [])
})

t.test('cni/ asks for the packages that are installed here for it', async t => {
  const read = (file: string) =>
    JSON.parse(readFileSync(new URL(file, import.meta.url), 'utf8')) as {
      readonly version: string
      readonly dependencies: Record<string, string>
      readonly devDependencies: Record<string, string>
    }
  const { version, devDependencies } = read('../package.json')
  const { version: own, dependencies } = read('../cni/package.json')
  const { rtnetlink, ...others } = dependencies
  t.equal(own, version, 'both are released together')
  t.equal(rtnetlink, `^${version}`)
  for (const [name, range] of Object.entries(others)) t.equal(devDependencies[name], range, name)
})

t.test('a sound tree passes', async t => {
  const tree: Tree = new Map([
    ['index.ts', `export { open } from './netlink/socket.js'`],
    ['netlink/socket.ts', `import type { Binding } from '../native/binding.js'\nimport './message.js'`],
    ['netlink/message.ts', `import { Buffer } from 'node:buffer'`],
    ['native/binding.ts', `const load = require('node-gyp-build')`],
  ])
  t.strictSame(faultsOf(tree), [])
})

const broken: Record<string, [tree: [string, string][], fault: string]> = {
  'an upward import': [
    [
      ['netlink/socket.ts', `import { link } from '../rtnetlink/link.js'`],
      ['rtnetlink/link.ts', ''],
    ],
    'netlink/socket.ts: may not import rtnetlink/link.ts',
  ],
  'an upward type import': [
    [
      ['native/binding.ts', `import type { Message } from '../netlink/message.js'`],
      ['netlink/message.ts', ''],
    ],
    'native/binding.ts: may not import netlink/message.ts',
  ],
  'an import from a layer beside': [
    [
      ['tc/filter.ts', `export * from '../rtnetlink/link.js'`],
      ['rtnetlink/link.ts', ''],
    ],
    'tc/filter.ts: may not import rtnetlink/link.ts',
  ],
  'a dynamic upward import': [
    [
      ['netns/namespace.ts', `const later = () => import('../netlink/socket.js')`],
      ['netlink/socket.ts', ''],
    ],
    'netns/namespace.ts: may not import netlink/socket.ts',
  ],
  'a command that goes past the public surface': [
    [
      ['cli/netlink/links.ts', `const library = () => import('../../netlink/socket.js')`],
      ['netlink/socket.ts', ''],
    ],
    'cli/netlink/links.ts: may not import netlink/socket.ts',
  ],
  'a package where it does not belong': [
    [['index.ts', `import { Counter } from 'prom-client'`]],
    'index.ts: imports the package prom-client',
  ],
  'the public surface that imports the metrics': [
    [
      ['index.ts', `export * from './metrics.js'`],
      ['metrics.ts', ''],
    ],
    'index.ts: may not import metrics.ts',
  ],
  'a package': [[['tc/rate.ts', `import bytes from 'bytes'`]], 'tc/rate.ts: imports the package bytes'],
  'an upward import inside the isolator': [
    [
      ['isolator/kernel/apply.ts', `import type { Container } from '../container/table.js'`],
      ['isolator/container/table.ts', ''],
    ],
    'isolator/kernel/apply.ts: may not import isolator/container/table.ts',
  ],
  'a file outside of the rooms': [
    [['isolator/helpers.ts', '']],
    'isolator/helpers.ts: helpers.ts is not a room of isolator/',
  ],
  'a file outside of the layers': [[['utils.ts', '']], 'utils.ts: utils.ts is not a layer'],
  'a missing file': [
    [['tc/rate.ts', `import './gone.js'`]],
    'tc/rate.ts: imports tc/gone.ts, which is not in src/',
  ],
  'a cycle': [
    [
      ['tc/a.ts', `import './b.js'`],
      ['tc/b.ts', `import './c.js'`],
      ['tc/c.ts', `import './a.js'`],
    ],
    'cycle: tc/a.ts > tc/b.ts > tc/c.ts > tc/a.ts',
  ],
}

for (const [name, [tree, fault]] of Object.entries(broken))
  t.test(`${name} is found`, async t => t.strictSame(faultsOf(new Map(tree)), [fault]))
