import { execFileSync } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { createTopology } from '../helpers/topology.js'
import { needsIsolation } from './isolated-topology.js'

const FIXTURE = fileURLToPath(new URL('fixtures/isolate-without-privilege.ts', import.meta.url))

t.test('without rights over the namespace of a container, all is taken back', needsIsolation(), async t => {
  const topology = await createTopology({ containers: 1, prefix: 'i' })
  t.teardown(() => topology.close())
  const netns = openSync(topology.containers[0]!.path, 'r')
  t.teardown(() => {
    closeSync(netns)
  })
  const enter = ['--user', '--map-root-user', '--net', '--mount', 'sh', '-ec']
  const setUp = 'mount -t tmpfs tmpfs /run && exec "$@"'
  const node = [process.execPath, ...process.execArgv, FIXTURE]
  const printed = execFileSync('unshare', [...enter, setUp, 'sh', ...node], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit', netns],
  })
  const outcome = JSON.parse(printed) as Record<string, unknown>
  t.match(outcome, { code: 'EPERM', restored: true, listed: 0 })
  t.match(
    outcome['info'],
    { link: 'pm1', slot: 1, ports: [[31000, 31007]] },
    'control: others can be isolated',
  )
})
