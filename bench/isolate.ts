/**
 * `isolate()` from end to end beside two others that leave the same behind: a C program that repeats its messages, sysctls,
 * mount and changes of namespace one after the other, encoded beforehand, and every command of `explain()`, an `ip` or `tc`
 * process each. Every sample is a container at a host that was just made. `isolate()` with both families is beside them.
 *
 *     npm run bench -- isolate [rounds]
 */
import { NetworkNamespace } from '../lib/index.js'
import { ipBatch } from '../test/helpers/iproute2.js'
import { HOST_LINES } from '../test/isolator/inet6-topology.js'
import { comparableState } from '../test/isolator/kernel-state.js'
import { alternate } from './src/alternate.js'
import { compile } from './src/compile.js'
import { Recorder } from './src/isolate/recorder.js'
import { replayArguments, writeScript } from './src/isolate/replay.js'
import { IsolatedHost } from './src/limits/isolated-host.js'
import { output, samplesOf } from './src/output.js'
import { median } from './src/statistics.js'
import { textTable } from './src/text-table.js'
import { duration, times } from './src/units.js'

const PORTS = '31000-31007'
const WARM_UP = 20
const BOTH = 'isolate(), both families'

/** A host with one namespace for a container. */
type Made = () => Promise<IsolatedHost>
const ofIpv4: Made = () => IsolatedHost.create(1, {})
const ofBoth: Made = () =>
  IsolatedHost.create(1, { ipv6: true }, async ({ host }) => {
    await ipBatch(host.name, [...HOST_LINES])
  })

const rounds = Number(process.argv[2] ?? 25)
const recorder = new Recorder()
const replay = await compile('replay')

const isolate = ({ isolator, topology }: IsolatedHost) =>
  isolator.isolate('sample', { netns: topology.containers[0]?.name ?? '', ports: PORTS })

const stateOf = async ({ topology: { host, containers } }: IsolatedHost): Promise<string> =>
  (await comparableState([host, ...containers])).join('\n')

async function warmUp(made: Made): Promise<void> {
  await using host = await made()
  for (let i = 0; i < WARM_UP; i++) {
    await isolate(host)
    await host.isolator.cleanup('sample')
  }
}

/** What the others repeat, and what they have to leave behind. */
async function recordOne() {
  await using host = await ofIpv4()
  const script = writeScript(await recorder.record(() => isolate(host)), host.topology)
  const prefix = host.topology.host.name.slice(0, -1)
  return { script, prefix, lines: host.isolator.explain('sample'), state: await stateOf(host) }
}

for (const made of [ofBoth, ofIpv4]) await warmUp(made)
const { script, prefix, lines, state } = await recordOne()

const WAYS: Record<string, (host: IsolatedHost) => Promise<number>> = {
  'C, the same messages': async ({ topology }) => {
    const [sample = NaN] = await samplesOf(replay, replayArguments(script, topology))
    return sample
  },
  'isolate()': host => nanosecondsOf(() => isolate(host)),
  [BOTH]: host => nanosecondsOf(() => isolate(host)),
  [`${lines.length} commands, a process each`]: ({ topology }) => {
    const here = lines.map(line => line.replaceAll(prefix, topology.host.name.slice(0, -1)))
    return nanosecondsOf(async () => {
      for (const line of here) await output('sh', ['-c', line])
    })
  },
}

async function nanosecondsOf(work: () => Promise<unknown>): Promise<number> {
  const began = process.hrtime.bigint()
  await work()
  return Number(process.hrtime.bigint() - began)
}

const samples = new Map<string, number[]>(Object.keys(WAYS).map(way => [way, []]))
await alternate(Object.entries(WAYS), rounds, async ([way, work], round) => {
  await using host = await (way === BOTH ? ofBoth() : ofIpv4())
  samples.get(way)?.push(await work(host))
  if (round === 0 && way !== BOTH && (await stateOf(host)) !== state)
    throw new Error(`${way}: leaves another state`)
  // The isolator does not know of what others made.
  await NetworkNamespace.deleteName('pm1').catch(() => undefined)
})

const [floor = []] = samples.values()
const ratio = (way: readonly number[]): string =>
  times(median(way.map((sample, round) => sample / (floor[round] ?? NaN))))
console.log(
  textTable([
    ['one container with 8 + 1024 ports', 'median', 'ratio'],
    ...Array.from(samples, ([way, each]) => [way, duration(median(each)), ratio(each)]),
  ]),
)
console.log(`${script.messages} sends, ${rounds} rounds in rotating order, ratios within each round`)
