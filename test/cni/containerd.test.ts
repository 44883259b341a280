import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { containerdHost, NETWORK } from './containerd-host.js'
import { needsRuntime } from './runtime-host.js'
import { namespaceOf, reachesAll } from './runtime-traffic.js'

t.test('ctr', needsRuntime('ctr', 'containerd', 'runc'), async t => {
  const machine = await containerdHost(t)
  const { ctr, pid, ids, run, plugins, rootfs, cgroup } = machine
  const serve = async (id: string, port: number): Promise<number> => {
    const { status, output } = await ctr(
      ...['run', '--detach', '--cni', '--cgroup', `/${cgroup}/${id}`, '--rootfs', rootfs, id],
      ...['/serve', String(port)],
    )
    if (status !== 0) throw new Error(output)
    return pid(id)
  }

  t.test(
    'run --cni: a container is reached by its ephemeral ports, the only ones that ctr gives it',
    async t => {
      const [web, other] = [await serve('web', 20480), await serve('other', 20544)]
      await reachesAll(
        t,
        { container: namespaceOf(web), tcp: 20480, udp: 20481 },
        { ...machine, other: namespaceOf(other) },
      )
    },
  )

  t.test('run --rm --cni: nothing is left', async t => {
    const { status, output } = await ctr(
      ...['run', '--rm', '--cni', '--cgroup', `/${cgroup}/short`, '--rootfs', rootfs, 'short'],
      ...['/bin/sh', '-c', 'busybox ip address show eth0'],
    )
    t.equal(status, 0, output)
    t.match(output, 'inet 10.9.0.2/24')
    t.strictSame(await ids(), ['shared:default-other', 'shared:default-web'])
  })

  t.test('GC keeps what is valid', async t => {
    await run([join(plugins, 'rtnetlink-cni')], {
      env: { CNI_COMMAND: 'GC', CNI_PATH: plugins },
      input: JSON.stringify({
        ...NETWORK.plugins[0],
        cniVersion: '1.1.0',
        name: 'shared',
        'cni.dev/valid-attachments': [{ containerID: 'default-web', ifname: 'eth0' }],
      }),
    })
    t.strictSame(await ids(), ['shared:default-web'])
  })

  t.test('what ctr leaves goes with its process: after --detach it sends no DEL', async t => {
    for (const id of ['web', 'other']) {
      t.match(await ctr('task', 'delete', '--force', id), { status: 0 })
      t.match(await ctr('container', 'delete', id), { status: 0 })
    }
    // The kernel removes namespaces later.
    for (let i = 0; i < 200 && (await ids()).length > 0; i++) await sleep(50)
    t.strictSame(await ids(), [])
  })

  t.test('nothing is left', async t => {
    await machine.isClear(t)
  })
})
