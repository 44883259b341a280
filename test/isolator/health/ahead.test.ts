import t from 'tap'
import { tcBatch } from '../../helpers/iproute2.js'
import { ScriptInside } from '../../helpers/script-inside.js'
import { tcpConnect, tcpEcho } from '../../helpers/tcp-traffic.js'
import { HOST_IP } from '../../helpers/topology.js'
import { needsIsolation, PATIENTLY, twoContainers } from '../isolated-topology.js'

const XDP = new URL('../fixtures/xdp.py', import.meta.url)
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
  await using program = await ScriptInside.start(host, XDP, 'eth0', 'pass')
  if (program.said.startsWith('refused'))
    return t.skip(`no XDP program here: ${program.said}`, () => undefined)
  t.equal(program.said, 'attached')
  t.match(await isolator.verify(), [
    { kind: 'ahead', foreign: true, object: 'an XDP program: ip -d link show dev eth0' },
  ])
  await program.end()
  t.strictSame(await isolator.verify(), [])
})
