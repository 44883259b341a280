/**
 * `npm run test:uml`: runs the tests that touch a kernel under a second one, Debian's user-mode-linux, which has the
 * qdiscs, classifiers and devices that small kernels lack. It boots this file system as an ordinary process and needs
 * no privileges. `npm run test:uml -- test/tc/filters.test.ts` runs those files only, and `npm run test:uml --
 * --where-kernels-differ` what CI has time for.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { ready } from './ready.js'
import { root } from './run.js'
import { longestFirst } from './test-order.js'
import { touchesKernel } from './touches-kernel.js'
import { sourcesBelow, transpileAll } from './transpile.js'
import { boot, consoleLog, folder, kernel, library, memoryFolder } from './uml/machine.js'

/** Left out: user-mode Linux has one CPU, is several times slower than the machine, and a file may take ten minutes there. */
const notHere = [
  // One process holds a lock, for which it takes much memory, while another runs.
  'test/native/rtnl.test.ts',
  'test/isolator/event-loop.test.ts',
  // What they look at is Node.js, or refuses before a kernel is asked.
  'test/cli/completion.test.ts',
  'test/cli/process.test.ts',
  'test/cli/usage.test.ts',
  'test/input/every-argument.test.ts',
  'test/input/refused.test.ts',
  'test/isolator/few-descriptors.test.ts',
  'test/native/exit.test.ts',
  'test/native/worker.test.ts',
  'test/netns/worker.test.ts',
  // Starts processes, but only to forbid them something that no kernel knows of.
  'test/netlink/codec/without-generated-code.test.ts',
  // Thousands of frames, on many layouts.
  'test/hostile/hostile.test.ts',
  'test/hostile/hostile6.test.ts',
  // Threads that ask and change without a pause, beside calls that are timed: the one CPU there is theirs.
  'test/isolator/hostile-inside.test.ts',
  // What they do hundreds of times the others do there once.
  'test/isolator/cycles.test.ts',
  'test/isolator/killed.test.ts',
  'test/isolator/recover-killed.test.ts',
  'test/isolator/several-processes.test.ts',
  'test/soak/soak.test.ts',
]

/**
 * Where kernels differ: what netlink says, which kinds of qdiscs, filters and devices there are, and what becomes of packets. The other tests of the
 * isolator look at how its calls go together, and say the same there as on the host, in several times the time.
 */
const whereKernelsDiffer = [
  /^test\/(abi|ethtool|hostile|kernel|mesos|native|netlink|netns|round-trips|rtnetlink|sock-diag|tc)\//,
  /^test\/[\w-]+\.test\.ts$/,
  /^test\/cli\/netlink-kernel\.test\.ts$/,
  /^test\/isolator\/(statistics|programs)\//,
  /^test\/isolator\/(checksums|closed-ports|first-packet|flows|icmp-and-arp|inet6-guard|limits|policies|programs|traffic|update)\.test/,
  /^test\/isolator\/host\/backlog\.test/,
]

/** Of these files the machine's own kernel skips a part, which is all of them that CI runs under the second: names of tests. */
const partsWhereKernelsDiffer = {
  'test/isolator/agent.test.ts': /^the documents' command line/,
  'test/isolator/container/unheld.test.ts': /^the flow of a container/,
  'test/isolator/health/repair.test.ts': /^flows$/,
  'test/isolator/hosts.test.ts': /as public interface$/,
  'test/isolator/recovery/recover.test.ts': /^flows go with/,
  'test/isolator/removal/remove.test.ts': /^(flows and shapers|one call removes two queues)$/,
}

const ONLY_THERE = '--where-kernels-differ'
const onlyThere = process.argv.includes(ONLY_THERE)
/** @type {Readonly<Record<string, RegExp>>} */
const parts = onlyThere ? partsWhereKernelsDiffer : {}

/** Files to run instead. */
const named = process.argv.slice(2).filter(name => name !== ONLY_THERE)

/** Several times what the longest takes on a machine that does nothing else. */
const secondsPerFile = 600
const secondsInAll = 45 * 60

/**
 * Test files that would not say the same here as on the host. Packing and installing has
 * nothing to do with a kernel; the programs of cni/ start a Node.js for each call, and ask the kernel for what the tests of
 * the isolator ask it for.
 */
async function kernelTests() {
  const here = (/** @type {string} */ file) =>
    file.endsWith('.test.ts') &&
    !/^test\/(package|cni)\//.test(file) &&
    !notHere.includes(file) &&
    (!onlyThere || file in parts || whereKernelsDiffer.some(pattern => pattern.test(file)))
  const tests = []
  for (const file of sourcesBelow('test').filter(here))
    if (await touchesKernel(join(root, file))) tests.push(file)
  return longestFirst(tests)
}

/** Files that machines take one after the other, each with the tests of it that run, and where they note what is taken. */
function layOut(/** @type {string[]} */ tests) {
  mkdirSync(folder, { recursive: true })
  rmSync(join(folder, 'taken'), { recursive: true, force: true })
  mkdirSync(join(folder, 'taken'))
  writeFileSync(join(folder, 'tests'), tests.map(file => `${file}\t${parts[file] ?? ''}\n`).join(''))
}

if (!existsSync(kernel)) {
  console.error(`test:uml: no ${kernel} here: apt-get install user-mode-linux kmod iproute2`)
  process.exit(1)
}
if (!(await ready())) process.exit(1)
const { add, conclude, reportTap } = await import('./tap-report.js')

const tests = named.length > 0 ? named : await kernelTests()
layOut(tests)
// On the host's side, where the compiler loads in a sixth of the time.
await transpileAll()

// A device that is on a bus, whose messages have attributes that others lack. Nobody sets it up, and with a TTL of 0
// nothing would leave the machine.
const devices = named.includes('scripts/capture-goldens.ts')
  ? ['eth0=mcast,02:00:0a:09:00:08,239.192.168.1,1102,0']
  : []

// Each has one CPU and 1 GiB.
const count = devices.length > 0 ? 1 : Math.min(availableParallelism(), tests.length, 4)
await library('vfork')
const env = { ...process.env, LD_PRELOAD: await library('xstate'), ...memoryFolder(count) }

/**
 * One machine from its start to its end.
 *
 * @param {number} number
 */
async function runMachine(number) {
  const began = Date.now()
  const machine = boot(number, { env, seconds: secondsInAll, secondsPerFile, devices })
  const ended = new Promise(resolve => machine.once('close', resolve))
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => machine.kill('SIGTERM'))
  const results = /** @type {import('node:stream').Readable} */ (machine.stdio[3])
  results.once('data', () =>
    console.log(`uml: machine ${number} booted in ${((Date.now() - began) / 1000).toFixed(1)} s`),
  )
  const report = await reportTap(results)
  await ended
  if (report.failed > 0 && report.passed === 0) console.log(readFileSync(consoleLog(number), 'utf8'))
  return report
}

console.log(`uml: ${tests.length} files, machines beside each other: ${count}`)
const numbers = Array.from({ length: count }, (_, i) => i + 1)
conclude(add(await Promise.all(numbers.map(runMachine))))
