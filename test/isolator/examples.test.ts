import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { ip, ipJson, tcJson } from '../helpers/iproute2.js'
import { allOf, type Skip } from '../helpers/privilege.js'
import { createTopology, type NamespaceRef } from '../helpers/topology.js'
import { startExample } from './example-process.js'
import { needsIsolation } from './isolated-topology.js'

async function hostOf(t: Test): Promise<NamespaceRef> {
  const topology = await createTopology({ containers: 0, prefix: 'x' })
  t.teardown(() => topology.close())
  return topology.host
}

/** Checks that an example has cleared up behind itself. */
async function isClear(t: Test, { name }: NamespaceRef): Promise<void> {
  const links = await ipJson<{ ifname: string }>(name, 'link')
  t.strictSame(links.map(({ ifname }) => ifname).sort(), ['eth0', 'lo'])
  const qdiscs = await tcJson<{ kind: string }>(name, 'qdisc show')
  t.notOk(qdiscs.some(({ kind }) => kind === 'ingress' || kind === 'clsact'))
}

t.test('single-container: a command in a container of its own', needsIsolation(), async t => {
  const host = await hostOf(t)
  const { exit, output } = startExample(host, 'single-container', ['eth0'])
  t.equal(await exit, 0, output())
  t.match(output(), /^ports 31000-31007 and 16384-16639 of eth0 are the container's; its link is pm\d+$/m)
  t.match(output(), /^16384\s+16639$/m, 'what the command saw')
  t.match(output(), /inet 10\.9\.0\.2\//)
  t.match(output(), /^it ended with 0; it received \d+ bytes$/m)
  await isClear(t, host)

  const own = startExample(host, 'single-container', ['eth0', '--', 'sh', '-c', 'exit 3'])
  t.equal(await own.exit, 0, own.output())
  t.match(own.output(), /^it ended with 3;/m)
})

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  t.test(`single-container: ${signal}`, needsIsolation(), async t => {
    const host = await hostOf(t)
    const script = 'echo it runs; exec sleep 60'
    const { child, exit, output, prints } = startExample(host, 'single-container', [
      'eth0',
      '--',
      'sh',
      '-c',
      script,
    ])
    t.teardown(() => child.kill('SIGKILL'))
    await prints('it runs')
    child.kill(signal)
    t.equal(await exit, 0, output())
    t.match(output(), `it ended with ${signal};`)
    await isClear(t, host)
    t.notOk(existsSync('/run/netns/single-container'))

    const early = startExample(host, 'single-container', ['eth0', '--', 'true'])
    t.teardown(() => early.child.kill('SIGKILL'))
    await early.prints("are the container's")
    early.child.kill(signal)
    t.equal(await early.exit, 0, early.output())
    await isClear(t, host)
    t.notOk(existsSync('/run/netns/single-container'))
  })
}

/** What runc needs beside itself: a program to run, and cgroups. */
function needsRunc(): Skip {
  const missing = ['runc', 'busybox'].find(program => spawnSync('which', [program]).status !== 0)
  if (missing !== undefined) return { skip: `${missing} is not installed` }
  const cgroups = / - cgroup2? /.test(readFileSync('/proc/self/mountinfo', 'utf8'))
  return { skip: cgroups ? false : 'runc: no cgroups are mounted here' }
}

t.test('single-container: joined by runc', allOf(needsIsolation(), needsRunc()), async t => {
  const host = await hostOf(t)
  const { exit, output } = startExample(host, 'single-container', ['eth0', '--runc'])
  t.equal(await exit, 0, output())
  if (/it ended with [^0]/.test(output())) t.comment(output())
  t.match(output(), /^16384\s+16639$/m, 'what the container saw')
  await isClear(t, host)
})

t.test('watch: changes as they come', needsIsolation(), async t => {
  const host = await hostOf(t)
  const { child, exit, output, prints } = startExample(host, 'watch', ['links', 'addresses'])
  t.teardown(() => child.kill('SIGKILL'))
  await prints('watching links, addresses')
  // Until it has subscribed, changes are not seen.
  const subscribed = prints('dummy7')
  const timer = setInterval(() => {
    void ip(host.name, 'link add dummy7 type veth peer name dummy8')
      .then(() => ip(host.name, 'link del dummy7'))
      .catch(() => undefined)
  }, 300)
  await subscribed
  clearInterval(timer)
  t.match(output(), /^[\d:.]+ \+ links {6}dummy7 down/m)
  await ip(host.name, 'addr add 192.0.2.1/32 dev lo')
  await prints('192.0.2.1/32 dev lo')
  child.kill('SIGINT')
  t.equal(await exit, 0)
})

t.test('demo: the tour ends where it began', needsIsolation(), async t => {
  const { exit, output } = startExample(await hostOf(t), 'demo', [])
  t.equal(await exit, 0, output())
  t.match(output(), /^ {2}remote -> host:31000 \(web-1\) +"web-1" \(from port \d+\)$/m)
  t.match(output(), /^ {2}web-1 -> remote:80 from a port that isn't its own +no answer$/m)
  t.match(
    output(),
    /the host gets 2001:db8:9::3; [\d.]+ ms later web-1 has 2001:db8:9::3 and 2001:db8:9::2$/m,
  )
  t.match(output(), /links of the host now: lo, eth0; ingress qdiscs: 0/)
})
