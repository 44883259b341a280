import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import ts from 'typescript'
import { createTopology, HOST_MAC, type NamespaceRef } from '../helpers/topology.js'
import { needsIsolation } from '../isolator/isolated-topology.js'
import { changesNothing, settleLoopback } from '../isolator/kernel-state.js'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const FOLDER = `${ROOT}build/snippets`

interface Program {
  /** What it begins with after its imports, or anything else that no other snippet has. */
  has: string
  /** Code around it, where it is a part of a program. */
  before?: string
  after?: string
  args?: string[]
  /** The file that is there while it waits to be stopped. */
  waitsBeside?: string
  /** What it prints once it has something to take back; it is interrupted then, too. */
  interruptAt?: string
}

const CREATE = `
import { NetworkNamespace, PortMappingIsolator } from 'rtnetlink'
const create = () => PortMappingIsolator.create({ ports: '31000-31999', ephemeralPorts: '16384-24575' })
`
const MESOS = [
  '--isolation=network/port_mapping',
  '--resources=ports:[31000-31999];ephemeral_ports:[16384-24575]',
]

/** Every snippet of JavaScript or TypeScript in README.md and docs/. */
const PROGRAMS: Record<string, Program[]> = {
  'README.md': [
    { has: "NetworkNamespace.create('web')", waitsBeside: '/run/netns/db' },
    { has: "rt.links.add({ name: 'a'", interruptAt: 'lo' },
    {
      has: "isolator.update('web-1'",
      before: `${CREATE}
        const web = await NetworkNamespace.create('web')
        const before = await create()
        await before.isolate('web-1', { netns: web, ports: '31000-31007' })
        await before.close()
        const isolator = await create()
        const watch = isolator.watch.bind(isolator)
        isolator.watch = id => {
          setTimeout(() => isolator.cleanup(id), 100)
          return watch(id)
        }`,
      after: 'await isolator.destroy(); await web.delete()',
    },
    { has: 'parseMesosFlags(process.argv', args: MESOS, waitsBeside: '/run/agent.sock' },
  ],
  'docs/isolator.md': [
    { has: "import { PortMappingIsolator } from 'rtnetlink'" },
    {
      has: 'isolator.processes()',
      before: `${CREATE} const isolator = await create()`,
      after: 'await isolator.destroy()',
    },
    {
      has: 'isolator.isIn(id, netns)',
      before: `${CREATE}
        const [id, former, netns] = ['web-1', await NetworkNamespace.create('web'), await NetworkNamespace.create('anew')]
        const isolator = await create()
        await isolator.isolate(id, { netns: former })`,
      after: `if (isolator.get(id)) throw new Error('it is there still')
        await isolator.destroy()
        await former.delete()
        await netns.delete()`,
    },
  ],
  'docs/mesos.md': [
    { has: 'environment: process.env', args: MESOS, after: 'await isolator.destroy()' },
    {
      has: 'extraStatistics',
      before: `${CREATE} const isolator = await create()`,
      after: 'server.close(); await isolator.destroy()',
    },
  ],
  'docs/netlink.md': [
    {
      has: 'to.restore(',
      before: `
        import { NetworkNamespace, RtnetlinkSocket } from 'rtnetlink'
        const namespaces = [await NetworkNamespace.create('one'), await NetworkNamespace.create('two')]`,
      after: 'for (const namespace of namespaces) await namespace.delete()',
    },
    { has: 'codec' },
  ],
}

const snippetsOf = (file: string): string[] =>
  Array.from(
    readFileSync(`${ROOT}${file}`, 'utf8').matchAll(/^```(?:js|ts)\n(.*?)^```$/gms),
    ([, code = '']) => code,
  )

/** Writes the program where `rtnetlink` is this package. */
function written(name: string, code: string, { before = '', after = '' }: Program): string {
  const file = `${FOLDER}/${name.replaceAll('/', '-')}.mjs`
  const { outputText } = ts.transpileModule(`${before}\n${code}\n${after}`, {
    compilerOptions: {
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.ESNext,
      verbatimModuleSyntax: true,
    },
  })
  mkdirSync(FOLDER, { recursive: true })
  writeFileSync(file, outputText)
  return file
}

interface Ended {
  code: number | null
  output: string
}

/** Runs it on a host to its end; with a signal, which it gets where the program says. */
async function ran(
  { path }: NamespaceRef,
  file: string,
  { args = [], waitsBeside, interruptAt }: Program,
  signal?: NodeJS.Signals,
): Promise<Ended> {
  const child = spawn('nsenter', [`--net=${path}`, process.execPath, file, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 60_000,
    killSignal: 'SIGKILL',
  })
  let output = ''
  let interrupted = false
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
      if (signal === undefined || interrupted || !interruptAt || !output.includes(interruptAt)) return
      interrupted = true
      child.kill(signal)
    })
  const closed = once(child, 'close')
  if (waitsBeside !== undefined) {
    while (!existsSync(waitsBeside) && child.exitCode === null) await sleep(20)
    child.kill(signal ?? 'SIGTERM')
  }
  const [code] = (await closed) as [number | null]
  return { code, output }
}

const inRun = (): string[] =>
  ['/run', '/run/netns'].flatMap(folder => readdirSync(folder).filter(name => name !== 'netns')).sort()

for (const [file, programs] of Object.entries(PROGRAMS)) {
  const snippets = snippetsOf(file)
  t.test(`${file}: every snippet is known here`, async t => {
    t.equal(snippets.length, programs.length)
  })
  for (const [i, program] of programs.entries()) {
    t.test(`${file}: ${program.has}`, needsIsolation(), async t => {
      const code = snippets.find(text => text.includes(program.has))
      if (code === undefined) return t.fail('no such snippet')
      const topology = await createTopology({ containers: 0, prefix: 's' })
      t.teardown(() => topology.close())
      const { host } = topology
      await settleLoopback(host, HOST_MAC)
      const path = written(`${file}-${i}`, code, program)
      const stops = program.interruptAt === undefined && program.waitsBeside === undefined
      await changesNothing(t, [host], async () => {
        const before = inRun()
        for (const signal of stops ? [undefined, undefined] : ([undefined, 'SIGINT', 'SIGTERM'] as const)) {
          const { code, output } = await ran(host, path, program, signal)
          const failed = code === 0 ? '' : output
          t.strictSame({ code, failed }, { code: 0, failed: '' }, `ends by ${signal ?? 'itself'}`)
          t.strictSame(inRun(), before)
        }
      })
    })
  }
}

t.test('no other file of docs/ has snippets', async t => {
  const files = readdirSync(`${ROOT}docs`, { encoding: 'utf8' }).map(name => `docs/${name}`)
  t.strictSame(
    files.filter(file => file.endsWith('.md') && PROGRAMS[file] === undefined && snippetsOf(file).length > 0),
    [],
  )
})
