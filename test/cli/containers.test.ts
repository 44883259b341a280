import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { PortMappingIsolator } from '../../src/isolator/port-mapping-isolator.js'
import { ip, run, tc } from '../helpers/iproute2.js'
import { createTopology } from '../helpers/topology.js'
import { needsIsolation, OPTIONS, preparedTopology, twoContainers } from '../isolator/isolated-topology.js'
import { rtnetlink, type Staging } from './rtnetlink.js'

const inspected = (netns: string) => PortMappingIsolator.inspect({ netns })

t.test('list, show and usage beside an isolator and after it', needsIsolation(), async t => {
  const { host, isolator, c1, c2 } = await twoContainers(t)
  const child = spawn('nsenter', [`--net=${c1.path}`, 'sleep', '60'], { stdio: 'ignore' })
  t.teardown(() => child.kill('SIGKILL'))
  // nsenter needs a moment.
  for (let i = 0; i < 500 && (await inspected(host.name)).containers[0]?.pids.length !== 1; i++)
    await sleep(10)
  const said = (line: string) => rtnetlink(`${line} --netns ${host.name}`)

  const list = async (): Promise<string[]> => {
    const { code, stdout, stderr } = await said('list')
    t.strictSame({ code, stderr }, { code: 0, stderr: '' })
    // Process and age differ.
    return stdout
      .replace(`${child.pid}`, 'PPP')
      .replace(/ \d+s$/gm, ' 0s')
      .split('\n')
      .map(line => line.replace(/ {2,}/g, '  '))
  }
  const { freeSlots } = await inspected(host.name)
  const golden = [
    'ID  STATE  PORTS  EPHEMERAL  LINK  PID  AGE',
    `web-1  running  31000-31007  20480-21503  ${c1.info.link}  PPP  0s`,
    `web-2  no process  31008-31015  21504-22527  ${c2.info.link}  0s`,
    '',
    `2 containers on eth0 (10.9.0.2), ${freeSlots} slots free`,
    '',
  ]
  t.strictSame(await list(), golden)
  t.strictSame(await said('list --quiet'), { code: 0, stdout: 'web-1\nweb-2\n', stderr: '' })
  t.strictSame(JSON.parse((await said('list --json')).stdout), (await inspected(host.name)).containers)

  const shown = await said('show web-1')
  t.match(
    shown.stdout,
    /^id {16}web-1\nstate {13}running\naddress {11}10.9.0.2, of eth0\nports {13}31000-31007\n/,
  )
  t.match(shown.stdout, /^net_rx_bytes {6}\d+$/m)
  t.match(JSON.parse((await said('show web-1 --json')).stdout), {
    ...(await inspected(host.name)).containers[0],
    usage: { net_rx_bytes: Number },
  })
  t.strictSame(await said('show web-3'), {
    code: 1,
    stdout: '',
    stderr: "rtnetlink: there is no container 'web-3': did you mean web-1?\n",
  })

  await run('nsenter', [`--net=${c1.path}`, 'ping', '-qc1', '-W1', '10.9.0.1']).catch(() => undefined)
  const counters = (await isolator.usage('web-1')) as unknown as Record<string, number>
  const [first] = JSON.parse((await said('usage --json')).stdout) as Record<string, number>[]
  for (const name of ['net_rx_bytes', 'net_rx_packets', 'net_tx_bytes', 'net_tx_packets', 'net_tx_dropped'])
    t.equal(first?.[name], counters[name], name)
  t.match((await said('usage')).stdout, /^ID +RX +RX PKTS +RX DROP +TX +TX PKTS +TX DROP\nweb-1 +\d+ /)

  await isolator.close()
  t.strictSame(await list(), golden, 'after it')
})

t.test('usage --watch shows rates until it is ended', needsIsolation(), async t => {
  const { host } = await twoContainers(t)
  const stop = new AbortController()
  const { code, stdout, stderr } = await rtnetlink(`usage --watch --interval 0.1 --netns ${host.name}`, {
    signal: stop.signal,
    printed(text) {
      if (text.split('ID ').length > 3) stop.abort()
    },
  })
  t.strictSame({ code, stderr }, { code: 0, stderr: '' })
  const [first = '', second = ''] = stdout.split(/^(?=ID )/m)
  t.notMatch(first, 'RX/S')
  t.match(second, /RX\/S .* TX\/S\nweb-1 /)
  for (const line of ['usage --interval none', 'usage --interval 0'])
    t.match(await rtnetlink(line), { code: 2, stderr: /expected seconds, 0.1 to 3600\n$/ })
})

t.test('a host without anything of ours', needsIsolation(), async t => {
  const topology = await createTopology({ containers: 0, prefix: 'i' })
  t.teardown(() => topology.close())
  const said = (line: string) => rtnetlink(`${line} --netns ${topology.host.name}`)
  t.strictSame(await said('list'), {
    code: 0,
    stdout: 'no isolator has been on this host, or nothing is left of it\n',
    stderr: '',
  })
  t.strictSame(await said('list --quiet'), { code: 0, stdout: '', stderr: '' })
  t.strictSame(await said('usage'), { code: 0, stdout: 'no containers\n', stderr: '' })
  t.strictSame(await said('verify'), { code: 0, stdout: 'no faults\n', stderr: '' })
  t.match(await said('show web-1'), { code: 1, stderr: /rtnetlink list shows those that there are\n$/ })
})

t.test('faults are found and repaired', needsIsolation(), async t => {
  const { host, isolator, c1, c2 } = await twoContainers(t)
  await isolator.close()
  const options = join(t.testdir({ 'options.json': JSON.stringify(OPTIONS) }), 'options.json')
  const said = (line: string) => rtnetlink(`${line} --netns ${host.name}`)
  const sound = { code: 0, stdout: 'no faults\n', stderr: '' }
  t.strictSame(await said('verify'), sound)
  t.strictSame(await said(`repair --options ${options}`), {
    code: 0,
    stdout: 'nothing to repair\n',
    stderr: '',
  })

  // A node of web-1 on the public interface.
  const nodes = (await said('filters --dev eth0 --parent ingress')).stdout
  const node = new RegExp(`^eth0 +ingress +(\\d+) +ip +u32 +(\\S+) .*redirect dev ${c1.info.link}$`, 'm')
  const [, priority = '', handle = ''] = node.exec(nodes) ?? []
  await tc(host.name, `filter del dev eth0 ingress prio ${priority} protocol ip handle ${handle} u32`)
  t.match(await said('verify'), { code: 1, stdout: /^'web-1' lacks 1 of the filters/ })
  t.match((await rtnetlink(`verify --netns ${host.name}`, { coloured: true })).stdout, '\u001b[31m')
  t.match(await said('list'), { code: 0, stdout: /^1 fault: rtnetlink verify shows it$/m })
  t.match(JSON.parse((await said('verify --json')).stdout), { prepared: true, faults: [/web-1/] })
  t.match(await said(`repair --options ${options}`), { code: 0, stdout: /^repaired: 'web-1' lacks 1 / })
  t.strictSame(await said('verify'), sound, 'sound again')

  await ip(host.name, `link set ${c2.info.link} down`)
  t.match(await said('verify'), { code: 1, stdout: /^'web-2': \S+ is down/ })
  t.match((await said('list')).stdout, /^web-2 +link down /m)
  const verified = said('verify')
  await sleep(500)
  await ip(host.name, `link set ${c2.info.link} up`)
  t.strictSame(await verified, sound, 'a fault that does not last is none')

  await ip(host.name, `link set ${c2.info.link} down`)
  await ip(
    host.name,
    'link add pm99 address 02:00:0a:09:00:02 arp off multicast off type veth peer name far99',
  )
  for (const command of ['repair', 'explain'])
    t.match(await said(`${command} --options ${options}`), {
      code: 4,
      stdout: '',
      stderr:
        /^rtnetlink: 'web-2': pm\d+ is down \(and 1 more, see rtnetlink verify\): it would be removed\./,
    })
  t.match((await said('list --quiet')).stdout, 'web-1\nweb-2\n', 'nothing was removed')
  t.strictSame(await said(`repair --remove-incomplete --options ${options}`), {
    code: 0,
    stdout: 'removed container web-2\nremoved container pm99\n',
    stderr: '',
  })
  t.strictSame(await said('list --quiet'), { code: 0, stdout: 'web-1\n', stderr: '' })
})

t.test('clean and remove', needsIsolation(), async t => {
  const { host, isolator } = await twoContainers(t)
  await isolator.close()
  const said = (line: string, staging: Staging = {}) => rtnetlink(`${line} --netns ${host.name}`, staging)
  const ids = async (): Promise<string[]> => (await said('list --quiet')).stdout.trim().split('\n')
  t.match(await said('clean web-3'), { code: 1, stderr: /did you mean web-1/ })
  t.match(await said('clean web-1'), { code: 0, stdout: /^removed container web-1\n/, stderr: '' })
  t.strictSame(await ids(), ['web-2'])

  t.match(await said('remove'), { code: 2, stderr: /say --all/ })
  t.match(await said('remove --all'), { code: 2, stderr: /nobody can be asked here: say --yes/ })
  for (const answer of ['', 'n', 'yeah'])
    t.match(await said('remove --all', { answer }), {
      code: 1,
      stderr: /^Remove 1 container \(web-2\) .* from eth0\? \[y\/N\] rtnetlink: nothing was removed\n$/,
    })
  t.strictSame(await ids(), ['web-2'])
  t.match(await said('remove --all', { answer: 'y' }), { code: 0, stdout: /^removed container web-2\n/ })
  t.match(await inspected(host.name), { prepared: false, containers: [], faults: [] })
  t.match(await said('remove --all --yes --json'), { code: 0, stdout: /"containers": \[\]/, stderr: '' })
})

t.test('explain prints what the isolator explains', needsIsolation(), async t => {
  const { host, isolator } = await twoContainers(t)
  const options = join(
    t.testdir({ 'options.json': JSON.stringify(OPTIONS), 'bad.json': '{' }),
    'options.json',
  )
  const said = (line: string) => rtnetlink(`${line} --netns ${host.name}`)
  await isolator.close()
  const again = await PortMappingIsolator.create({ ...OPTIONS, netns: host.name })
  await again.recover('all')
  const explained = [again.explain(), again.explain('web-1')]
  await again.close()
  t.strictSame(
    [await said(`explain --options ${options}`), await said(`explain web-1 --options ${options}`)],
    explained.map(lines => ({ code: 0, stdout: `${lines.join('\n')}\n`, stderr: '' })),
  )
  t.match(
    explained[1]?.[0],
    /^ip netns add pm\d+$/,
    'a namespace of the name, which is not mounted on itself',
  )
  const withNetns = options.replace('options.json', 'netns.json')
  writeFileSync(withNetns, JSON.stringify({ ...OPTIONS, netns: host.name }))
  t.strictSame(
    await rtnetlink(`explain web-1 --options ${withNetns}`),
    await said(`explain web-1 --options ${options}`),
    'the host of the file',
  )
  t.match(await rtnetlink(`explain web-9 --options ${withNetns}`), { code: 1, stderr: /did you mean web-1/ })
  t.match(await said(`explain web-9 --options ${options}`), { code: 1, stderr: /did you mean web-1/ })
  t.match(await said('explain'), { code: 2, stderr: /^rtnetlink: --options FILE is needed/ })
  const bad = options.replace('options.json', 'bad.json')
  t.match(await said(`repair --options ${bad}`), { code: 2, stderr: /bad.json is not JSON: / })
  writeFileSync(bad, JSON.stringify({ ...OPTIONS, port: 1 }))
  t.match(await said(`repair --options ${bad}`), { code: 2, stderr: /unknown 'port'/ })
})

t.test('probe', needsIsolation(), async t => {
  const features = await PortMappingIsolator.probe()
  const { code, stdout } = await rtnetlink('probe')
  t.match(stdout, /^FEATURE +HERE +MODULE .*\nveth +yes +veth +CONFIG_VETH +the link of every container/)
  t.equal(code, Object.values(features).every(({ available }) => available) ? 0 : 1)
  t.strictSame(JSON.parse((await rtnetlink('probe --json')).stdout), features)
})

t.test('a name that would write to the terminal', needsIsolation(), async t => {
  const { host, isolator, topology } = await preparedTopology(t, { containers: 1 })
  await isolator.isolate('\u202ered', { netns: topology.containers[0]!.name })
  for (const line of ['list', 'list --quiet', 'list --json', 'usage --json']) {
    const { stdout } = await rtnetlink(`${line} --netns ${host.name}`, { isTerminal: true })
    t.match(stdout, /\\u\{?202e\}?red/)
    t.notMatch(stdout, '\u202e')
  }
  const { stdout } = await rtnetlink(`list --quiet --netns ${host.name}`)
  t.equal(stdout, '\u202ered\n', 'a program gets the id itself')
})
