import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { PortMappingIsolator } from '../../../src/isolator/port-mapping-isolator.js'
import { run } from '../../helpers/iproute2.js'
import { createTopology } from '../../helpers/topology.js'
import { needsIsolation, OPTIONS, twoContainers } from '../isolated-topology.js'

const ON_HOST = fileURLToPath(new URL('../fixtures/on-host.ts', import.meta.url))

/** A mount namespace of its own, in which mounts of others do not show: runs commands in it. */
async function ownMounts(t: Test): Promise<(...command: string[]) => Promise<string>> {
  const child = spawn(
    'unshare',
    ['--mount', '--propagation', 'private', 'sh', '-c', 'echo; exec sleep 600'],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  t.teardown(() => child.kill('SIGKILL'))
  await once(child.stdout, 'data')
  return (...command) => run('nsenter', ['--mount', `--target=${child.pid}`, ...command])
}

/** The type of the file system that is at a name, in words: `nsfs` is a namespace. */
const STAT = ['stat', '--file-system', '--format=%T']

t.test('two host sides, each in a mount namespace of its own', needsIsolation(), async t => {
  const there = await createTopology({ containers: 1, prefix: 'i' })
  t.teardown(() => there.close())
  const inside = await ownMounts(t)
  const onHost = async (...words: string[]): Promise<Record<string, unknown>> => {
    const node = [process.execPath, ...process.execArgv, ON_HOST, there.host.name]
    return JSON.parse(await inside(...node, ...words)) as Record<string, unknown>
  }
  const { host, isolator, c1, c2 } = await twoContainers(t)
  t.teardown(() => onHost('remove'))
  const namesHere = async (): Promise<string> =>
    run(STAT[0]!, [...STAT.slice(1), `/run/netns/${c1.info.link}`, `/run/netns/${c2.info.link}`])
  const nameThere = (): Promise<string> => inside(...STAT, '/run/netns/pm3')
  t.match(await inside(...STAT, '/run/netns/pm1'), /tmpfs/, 'control: there it is a file')

  t.match(await onHost('recover'), { recovered: [], cleaned: [] })
  t.match(await namesHere(), /nsfs\nnsfs/, 'recover() there leaves the names here')
  t.match(await onHost('isolate', there.containers[0]!.name), { slot: 3 }, 'they are passed over')
  t.match(await nameThere(), /nsfs/)
  t.match(await run(STAT[0]!, [...STAT.slice(1), '/run/netns/pm3']), /tmpfs/, 'control: here it is a file')

  t.strictSame((await PortMappingIsolator.inspect({ netns: host.name })).faults, [])
  const again = await PortMappingIsolator.create({ ...OPTIONS, netns: host.name })
  t.match(await again.recover('all'), { recovered: ['web-1', 'web-2'] })
  t.match(await nameThere(), /nsfs/, 'recover() here leaves the name there')
  await isolator.close()
  await again.close()
  t.match(await PortMappingIsolator.remove({ netns: host.name }), {
    containers: ['web-1', 'web-2'],
    left: [],
  })
  t.match(await nameThere(), /nsfs/, 'and so does remove()')

  t.match(await onHost('recover'), { recovered: ['there'] })
  t.match(await onHost('remove'), { containers: ['there'], left: [] })
  t.match(await inside('ls', '/run/netns'), /^(?![^]*pm\d)/, 'each takes its own away')
})
