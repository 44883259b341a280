import { chmodSync, existsSync, mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { PortMappingIsolator } from '../../../src/isolator/port-mapping-isolator.js'
import { run } from '../../helpers/iproute2.js'
import { unixListener } from '../unix-listener.js'
import { needsIsolation, OPTIONS, preparedTopology } from '../isolated-topology.js'

const NAME = '/run/netns/pm1'

/** What somebody can have at the name of a slot that nothing of ours is: what puts it there, and what takes it away. */
const THINGS: [what: string, put: () => Promise<() => unknown>][] = [
  ['a pipe', async () => (await run('mkfifo', [NAME]), () => rmSync(NAME))],
  ['a directory', async () => (mkdirSync(NAME), () => rmSync(NAME, { recursive: true }))],
  ['a socket', () => unixListener(NAME)],
]

for (const [what, put] of THINGS) {
  t.test(`${what} at the name of a slot`, { ...needsIsolation(), timeout: 60_000 }, async t => {
    const { topology, host, isolator } = await preparedTopology(t)
    const [c1, c2] = topology.containers.map(({ name }) => name)
    const takeAway = await put()
    t.teardown(takeAway)
    const { link } = await isolator.isolate('a', { netns: c1! })
    t.equal(link, 'pm2', 'the slot is passed over')
    t.strictSame(await isolator.verify(), [])
    const second = await PortMappingIsolator.create({ ...OPTIONS, netns: host.name })
    t.match(await second.recover(['a']), { recovered: ['a'] }, 'nothing waits for it')
    await run('ip', ['netns', 'delete', 'pm2'])
    await run('cp', ['-a', '--attributes-only', '-r', NAME, '/run/netns/pm2']).catch(() =>
      mkdirSync('/run/netns/pm2'),
    )
    t.match(await second.verify(), [{ id: 'a', kind: 'missing', object: /netns attach pm2/ }])
    await t.rejects(second.update('a', { ports: '31000' }), { code: 'ERR_FOREIGN_STATE' })
    t.ok(await second.cleanup('a'))
    t.equal((await second.isolate('b', { netns: c2! })).link, 'pm3')
    t.ok(await second.cleanup('b'))
    rmSync('/run/netns/pm2', { recursive: true, force: true })
    await second.close()
  })
}

/** Empty files at the name of a slot: their mode, how old they are in seconds, and whether they are taken away. */
const EMPTY_FILES: [what: string, mode: number, age: number, goes: boolean][] = [
  ['who gave the name was killed before it wrote the note', 0o444, 60, true],
  ['the same, under umask 077', 0o400, 60, true],
  ['somebody is just giving it', 0o444, 0, false],
  ["of 'ip netns add'", 0, 60, false],
  ["of 'touch'", 0o644, 60, false],
]

for (const [what, mode, age, goes] of EMPTY_FILES) {
  t.test(
    `an empty file at the name of a slot: ${what}`,
    { ...needsIsolation(), timeout: 60_000 },
    async t => {
      const { host, isolator } = await preparedTopology(t, { containers: 0 })
      const put = (): void => {
        writeFileSync(NAME, '')
        chmodSync(NAME, mode)
        const made = Date.now() / 1000 - age
        utimesSync(NAME, made, made)
      }
      t.teardown(() => rmSync(NAME, { force: true }))
      put()
      await isolator.recover([])
      t.equal(!existsSync(NAME), goes, 'recover()')
      put()
      const { removed, left } = await PortMappingIsolator.remove({ netns: host.name })
      t.equal(!existsSync(NAME), goes, 'remove()')
      t.equal(removed.includes(`the name ${NAME}`), goes)
      t.strictSame(left, [])
    },
  )
}
