/**
 * `npm run test:uml`: runs the tests that touch a kernel under a second one, Debian's user-mode-linux, which has the
 * qdiscs, classifiers and devices that small kernels lack. It boots this file system as an ordinary process and needs
 * no privileges. `npm run test:uml -- test/tc/filters.test.ts` runs those files only.
 */
import { spawn } from 'node:child_process'
import {
  createWriteStream,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statfsSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { ready } from './ready.js'
import { capture, root } from './run.js'
import { touchesKernel } from './touches-kernel.js'
import { transpile } from './transpile.js'

/** Left out: user-mode Linux has one CPU, is several times slower than the machine, and a file may take five minutes there. */
const notHere = [
  // One process holds a lock, for which it takes much memory, while another runs.
  'test/native/rtnl.test.ts',
  'test/isolator/event-loop.test.ts',
  // Starts processes, but only to forbid them something that no kernel knows of.
  'test/netlink/codec/without-generated-code.test.ts',
  // Thousands of frames, on five layouts.
  'test/hostile/hostile.test.ts',
  // What they do hundreds of times the others do there once.
  'test/isolator/cycles.test.ts',
  'test/isolator/killed.test.ts',
  'test/isolator/recover-killed.test.ts',
  'test/soak/soak.test.ts',
]

/** Files to run instead. */
const named = process.argv.slice(2)

const kernel = '/usr/bin/linux.uml'
const secondsPerFile = 300
const secondsInAll = 45 * 60

/** @param {string} folder */
const sourcesBelow = folder =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.ts'))
    .map(name => join(folder, name))

/** Test files that would not say the same here as on the host. Packing and installing has nothing to do with a kernel. */
async function kernelTests() {
  const here = (/** @type {string} */ file) =>
    file.endsWith('.test.ts') && !file.startsWith('test/package/') && !notHere.includes(file)
  const tests = []
  for (const file of sourcesBelow('test').filter(here))
    if (await touchesKernel(join(root, file))) tests.push(file)
  return tests.sort()
}

/** On the host's side, where the compiler loads in a sixth of the time. */
async function transpileAll() {
  for (const file of [...sourcesBelow('src'), ...sourcesBelow('test')]) await transpile(join(root, file))
}

/** What user-mode Linux has to be given to boot on this processor. Compiled every time: it takes a tenth of a second. */
async function preload() {
  const library = join(root, 'build/uml/xstate.so')
  const { code, output } = await capture('cc', [
    ...['-O2', '-Wall', '-Wextra', '-Werror', '-shared', '-fPIC'],
    ...['-o', library, 'scripts/uml/xstate.c'],
  ])
  if (code !== 0) throw new Error(`cannot compile scripts/uml/xstate.c:\n${output}`)
  return library
}

/** The machine's memory is a file in /dev/shm, which containers often have too little of. */
function memoryFolder() {
  const { bavail, bsize } = statfsSync('/dev/shm')
  return bavail * bsize > 1.1 * 2 ** 30 ? {} : { TMPDIR: join(root, 'build/uml') }
}

/**
 * Starts the machine. Its first console goes to build/uml/console.log, its second is the stream of results. It ends by
 * itself, or when the time is over: at SIGTERM it takes its processes with it.
 *
 * @param {string} library
 */
function boot(library) {
  // A device that is on a bus, whose messages have attributes that others lack. Nobody sets it up, and with a TTL of 0
  // nothing would leave the machine.
  const device = named.includes('scripts/capture-goldens.ts')
    ? ['eth0=mcast,02:00:0a:09:00:08,239.192.168.1,1102,0']
    : []
  const machine = [
    'mem=1G',
    'rootfstype=hostfs',
    'rootflags=/',
    'rw',
    'quiet',
    ...device,
    `init=${join(root, 'scripts/uml/init.sh')}`,
  ]
  const consoles = ['con=null', 'con0=null,fd:1', 'con1=null,fd:3']
  const environment = [`NODE=${process.execPath}`, `TEST_TIMEOUT=${secondsPerFile}`]
  const child = spawn(
    kernel,
    [...machine, `uml_dir=${join(root, 'build/uml')}`, ...consoles, ...environment],
    {
      env: { ...process.env, LD_PRELOAD: library, ...memoryFolder() },
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
      timeout: secondsInAll * 1000,
      killSignal: 'SIGTERM',
    },
  )
  const log = createWriteStream(join(root, 'build/uml/console.log'))
  child.stdout?.pipe(log, { end: false })
  child.stderr?.pipe(log, { end: false })
  return child
}

if (!existsSync(kernel)) {
  console.error(`test:uml: no ${kernel} here: apt-get install user-mode-linux kmod iproute2`)
  process.exit(1)
}
if (!(await ready())) process.exit(1)
const { conclude, reportTap } = await import('./tap-report.js')

const tests = named.length > 0 ? named : await kernelTests()
mkdirSync(join(root, 'build/uml'), { recursive: true })
writeFileSync(join(root, 'build/uml/tests'), tests.map(file => `${file}\n`).join(''))
await transpileAll()

const began = Date.now()
const machine = boot(await preload())
const ended = new Promise(resolve => machine.once('close', resolve))
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => machine.kill('SIGTERM'))
const results = /** @type {import('node:stream').Readable} */ (machine.stdio[3])
results.once('data', () =>
  console.log(`uml: booted in ${((Date.now() - began) / 1000).toFixed(1)} s, ${tests.length} files`),
)
const report = await reportTap(results)
await ended
if (report.passed + report.failed === 0)
  console.log(readFileSync(join(root, 'build/uml/console.log'), 'utf8'))
conclude(report)
