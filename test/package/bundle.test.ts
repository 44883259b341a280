import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import ts from 'typescript'
import * as source from '../../src/index.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
execFileSync(process.execPath, ['scripts/ready.js', 'lib'], { cwd: root, encoding: 'utf8' })

/**
 * Large parts of Node that no program should wait for because it imports the package (net: 10 ms and 1 MB): they are for
 * process.getBuiltinModule() at the first use. `npm run bench -- import` tells what an addition costs.
 */
const LATER = ['crypto', 'dgram', 'fs/promises', 'http', 'net', 'stream', 'timers/promises']

/** The public modules of Node that a statement has it load. */
const modulesLoadedBy = (statement: string): string[] => {
  const program = `
    import { builtinModules } from 'node:module'
    const before = process.moduleLoadList.length
    ${statement}
    const loaded = process.moduleLoadList.slice(before).map(name => name.replace('NativeModule ', ''))
    console.log(loaded.filter(name => builtinModules.includes(name)).join())`
  // Without what a test runner has every process load.
  const node = ['-u', 'NODE_OPTIONS', process.execPath, '--input-type=module', '--eval', program]
  const output = execFileSync('env', node, { cwd: root })
  return output.toString().trim().split(',').sort()
}

/** The module specifiers of static imports and exports, and whether anything is awaited outside of functions. */
function readModule(text: string): { specifiers: string[]; awaits: boolean } {
  const specifiers: string[] = []
  let awaits = false
  const visit = (node: ts.Node): void => {
    if (ts.isFunctionLike(node)) return
    if (ts.isAwaitExpression(node) || (ts.isForOfStatement(node) && node.awaitModifier)) awaits = true
    if (
      (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) &&
      node.moduleSpecifier &&
      ts.isStringLiteral(node.moduleSpecifier)
    )
      specifiers.push(node.moduleSpecifier.text)
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile('index.js', text, ts.ScriptTarget.Latest, true))
  return { specifiers, awaits }
}

t.test('a byte per character, in V8 too', async t => {
  for (const name of ['index.js', 'cli.js', 'metrics.js'])
    t.strictSame(readFileSync(`${root}lib/${name}`, 'utf8').match(/[^\0-\x7f]/g), null, name)
})

t.test('one module, which has Node load little', async t => {
  const { specifiers, awaits } = readModule(readFileSync(`${root}lib/index.js`, 'utf8'))
  t.strictSame(specifiers, [])
  const loads = (statement: string): string[] =>
    modulesLoadedBy(statement).filter(name => LATER.includes(name))
  t.strictSame(loads(`await import('rtnetlink')`), [])
  t.strictSame(loads(`await import('node:net')`), ['net', 'stream'], 'control')
  t.notOk(awaits, 'no top-level await: require() of it works')
  t.strictSame(
    readModule(`import a from 'a'\nexport * from './b.js'\nconst f = async () => await a\nawait f()`),
    { specifiers: ['a', './b.js'], awaits: true },
    'control',
  )
})

t.test('the metrics import prom-client, and the package itself does not', async t => {
  const { specifiers, awaits } = readModule(readFileSync(`${root}lib/metrics.js`, 'utf8'))
  t.strictSame(specifiers, ['prom-client'])
  t.notOk(awaits)
  const { registerMetrics } = await import('rtnetlink/metrics')
  t.equal(registerMetrics.name, 'registerMetrics')
  t.notMatch(readFileSync(`${root}lib/index.js`, 'utf8'), 'prom-client')
})

t.test('the command line loads the library when it needs it, and has no copy of it', async t => {
  const { specifiers, awaits } = readModule(readFileSync(`${root}lib/cli.js`, 'utf8'))
  t.strictSame(specifiers, [])
  t.notOk(awaits)
  const cli = readFileSync(`${root}lib/cli.js`, 'utf8')
  t.match(cli, /^#!\/usr\/bin\/env node\n/)
  t.match(cli, /import\("\.\/index\.js"\)/)
  t.notMatch(cli, 'NetlinkSubscription')
  t.match(readFileSync(`${root}lib/index.js`, 'utf8'), 'NetlinkSubscription', 'control')
})

t.test('the same names as src/, classes under their own', async t => {
  const built = (await import('rtnetlink')) as Record<string, unknown>
  t.strictSame(Object.keys(built), Object.keys(source))
  const isClass = (value: unknown): value is { name: string } =>
    typeof value === 'function' && /^class\b/.test(Function.prototype.toString.call(value))
  const classes = Object.entries(built).filter(([, value]) => isClass(value))
  t.ok(classes.length > 10)
  for (const [name, value] of classes) t.equal((value as { name: string }).name, name)
  t.notMatch(
    readFileSync(`${root}lib/index.js`, 'utf8'),
    '__name',
    'no closure is named each time it is made',
  )
})

t.test('an uncaught error shows the line that throws, as somebody would write it', async t => {
  const uncaught = `import { parseHandle } from 'rtnetlink'; parseHandle('nonsense')`
  // The test runner turns source maps on in every Node that it sees started.
  const alone = ['-c', 'NODE_OPTIONS= exec "$@"', 'sh', process.execPath]
  const { stderr } = spawnSync('sh', [...alone, '--input-type=module', '--eval', uncaught], {
    cwd: root,
    encoding: 'utf8',
  })
  const [place, line = ''] = stderr.split('\n')
  t.match(place, /lib\/index\.js:\d+$/)
  t.match(line, /^ {2,}(if \(.*\) )?throw new \w+\(/)
  // Comments and texts are not broken.
  const long = readFileSync(`${root}lib/index.js`, 'utf8')
    .split('\n')
    .filter(line => line.replace(/^ *\*.*|(["'`]).*\1/, '').length > 200)
  t.strictSame(long, [], 'no line is packed')
})

const program = `
import { NetworkNamespace, PortMappingIsolator, RtnetlinkSocket, mirred, u32, type Link } from 'rtnetlink'
export async function names(): Promise<string[]> {
  const socket = await RtnetlinkSocket.open()
  const links: Link[] = await socket.links.list({})
  await socket.filters.add({
    dev: 'eth0', parent: 'ingress', priority: 1, protocol: 'ip', kind: 'u32',
    keys: [u32.destinationPorts(1, 2)], actions: [mirred.redirect('veth1')],
  })
  // @ts-expect-error there is no such verb
  await socket.links.enumerate()
  return links.map(({ name }) => name)
}
export const isolator: Promise<PortMappingIsolator> = PortMappingIsolator.create({ ephemeralPorts: '32768-57344' })
export const namespace: Promise<NetworkNamespace> = NetworkNamespace.create()
`

t.test('types for every way to resolve modules', async t => {
  const folder = t.testdir({
    'package.json': '{ "type": "module" }',
    'program.ts': program,
    node_modules: { rtnetlink: t.fixture('symlink', root) },
  })
  const ways: [string, ts.ModuleKind, ts.ModuleResolutionKind][] = [
    ['node16', ts.ModuleKind.Node16, ts.ModuleResolutionKind.Node16],
    ['nodenext', ts.ModuleKind.NodeNext, ts.ModuleResolutionKind.NodeNext],
    ['bundler', ts.ModuleKind.ESNext, ts.ModuleResolutionKind.Bundler],
  ]
  for (const [name, module, moduleResolution] of ways) {
    const compiled = ts.createProgram([`${folder}/program.ts`], {
      ...{ module, moduleResolution, target: ts.ScriptTarget.ES2022, strict: true, noEmit: true },
      ...{ lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts'] },
      ...{ types: ['node'], typeRoots: [`${root}node_modules/@types`] },
    })
    const found = ts.getPreEmitDiagnostics(compiled)
    t.strictSame(
      found.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n')),
      [],
      name,
    )
  }
})
