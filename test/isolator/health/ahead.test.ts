import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { tcBatch } from '../../helpers/iproute2.js'
import { tcpConnect, tcpEcho } from '../../helpers/tcp-traffic.js'
import { HOST_IP } from '../../helpers/topology.js'
import { needsIsolation, PATIENTLY, twoContainers } from '../isolated-topology.js'

const DROP = "bpf da bytecode '1,6 0 0 2'"

t.test('verify() names filters that see packets before ours', needsIsolation(), async t => {
  const world = await twoContainers(t)
  const { isolator, host, remote, c1 } = world
  await using server = await tcpEcho(c1, '0.0.0.0', c1.port)
  const reaches = async (): Promise<boolean> =>
    (await tcpConnect(remote, HOST_IP, server.port, PATIENTLY)) === 'connected'
  t.equal(await reaches(), true)

  const cases: [line: string, isNamed: boolean, takes: boolean][] = [
    ['dev eth0 ingress prio 5 protocol ip handle ::1 u32 match ip dport PORT 0xffff classid 1:1', true, true],
    [`dev eth0 ingress prio 5 protocol all handle 1 ${DROP}`, true, true],
    [`dev eth0 ingress prio 999 protocol arp handle 1 ${DROP}`, true, false],
    [`dev lo ingress prio 1019 protocol ip handle 1 ${DROP}`, true, false],
    [`dev eth0 ingress prio 1005 protocol ip handle 1 ${DROP}`, true, true],
    // It only counts, or is tried after ours.
    [`dev eth0 ingress prio 5 protocol ip handle ::1 u32 match ip dport PORT 0xffff`, false, false],
    ['dev eth0 ingress prio 5 protocol ip handle 300: u32 divisor 16', false, false],
    [`dev eth0 ingress prio 2000 protocol all handle 1 ${DROP}`, false, false],
    [
      'dev eth0 ingress prio 5 protocol ip handle ::1 u32 match ip dport PORT 0xffff action mirred egress mirror dev lo continue',
      false,
      false,
    ],
  ]
  for (const [text, isNamed, takes] of cases) {
    const line = text.replace('PORT', `${c1.port}`)
    await t.test(line, async t => {
      await tcBatch(host.name, [`filter add ${line}`])
      const found = await isolator.verify()
      t.match(
        found,
        isNamed ? [{ kind: 'ahead', foreign: true, object: /^tc filter add dev (eth0|lo) / }] : [],
      )
      t.equal(found.length, isNamed ? 1 : 0)
      t.strictSame(await isolator.repair(), { repaired: [], left: found })
      t.equal(takes, !(await reaches()), 'positive control')
      await tcBatch(host.name, [`filter del ${line.replace(/ protocol .*/, '')}`])
      t.strictSame(await isolator.verify(), [])
    })
  }
})

t.test('verify() names an XDP program', needsIsolation(), async t => {
  const { isolator, host } = await twoContainers(t)
  const script = fileURLToPath(new URL('../fixtures/xdp-pass.py', import.meta.url))
  const child = spawn('nsenter', [`--net=${host.path}`, 'python3', script, 'eth0'], {
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  const lines = createInterface(child.stdout)
  const [said] = (await Promise.race([once(lines, 'line'), once(child, 'close')])) as unknown[]
  if (String(said).startsWith('refused'))
    return t.skip(`no XDP program here: ${String(said)}`, () => undefined)
  t.equal(said, 'attached')
  t.match(await isolator.verify(), [
    { kind: 'ahead', foreign: true, object: 'an XDP program: ip -d link show dev eth0' },
  ])
  child.kill('SIGKILL')
  await once(child, 'exit')
  t.strictSame(await isolator.verify(), [])
})
