import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { allPorts } from '../../src/isolator/plan/facts.js'
import { PortMappingIsolator } from '../../src/isolator/port-mapping-isolator.js'
import { PortRanges } from '../../src/isolator/ports/port-ranges.js'
import { FrameTool } from '../helpers/frame-tool.js'
import { ipJson } from '../helpers/iproute2.js'
import { tcpSocketIn } from '../helpers/namespace-sockets.js'
import { HOST, PortOracle, STANDARD_VARIANTS } from '../helpers/port-oracle.js'
import { tcpEcho } from '../helpers/tcp-traffic.js'
import { createTopology, HOST_IP, HOST_MAC, type NamespaceRef, type Topology } from '../helpers/topology.js'
import { needsIsolation, OPTIONS } from './isolated-topology.js'
import { changesNothing, filtersOf, isOfFinishedChange, settleLoopback } from './kernel-state.js'

/** Each message is a point to be killed at; every how manieth is tried. `npm run test:kill` tries all. */
const EVERY = Number(process.env['RTNETLINK_KILL_EVERY'] ?? 7)
/** How many moments are chosen at random, besides. */
const MOMENTS = Number(process.env['RTNETLINK_KILL_MOMENTS'] ?? 5)

interface World {
  topology: Topology
  options: typeof OPTIONS & { netns: string }
  create: () => Promise<PortMappingIsolator>
  /** Says something through a connection that has been there from the start. */
  say: (text: string) => Promise<string>
}

/** A host where `web-1` runs, with a connection to it. */
async function world(t: Test, containers: number): Promise<World> {
  const topology = await createTopology({ containers, prefix: 'k' })
  t.teardown(() => topology.close())
  const { host, remote } = topology
  await settleLoopback(host, HOST_MAC)
  const options = { ...OPTIONS, netns: host.name }
  const create = (): Promise<PortMappingIsolator> => PortMappingIsolator.create(options)
  t.teardown(async () => (await create()).destroy())
  const isolator = await create()
  await isolator.isolate('web-1', { netns: topology.containers[0]!.name, ports: '31000-31007' })
  await isolator.close()
  const server = await tcpEcho(topology.containers[0]!, '0.0.0.0', 31_000)
  t.teardown(() => server.close())
  const client = tcpSocketIn(remote)
  t.teardown(() => client.destroy())
  client.connect(server.port, HOST_IP)
  await once(client, 'connect')
  const say = async (text: string): Promise<string> => {
    client.write(text)
    const [heard] = (await once(client, 'data')) as [Buffer]
    return heard.toString()
  }
  return { topology, options, create, say }
}

interface Ended {
  signal: string | null
  output: string
}

/** Starts a fixture with what it is told. */
function start(fixture: string, told: object) {
  const file = fileURLToPath(new URL(`fixtures/${fixture}.js`, import.meta.url))
  const child = spawn(process.execPath, [file, JSON.stringify(told)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const ended = once(child, 'close').then(([, signal]): Ended => ({
    signal: signal as string | null,
    output,
  }))
  return { child, ended }
}

/** What a leak would show in, in short: filters, links, names. */
async function tracesOf(host: NamespaceRef): Promise<unknown> {
  const links = await ipJson(host.name, 'link show')
  return {
    filters: await filtersOf(host),
    links: links.map(({ ifname, ifalias, flags }) => ({
      ...{ ifname, flags },
      ifalias: isOfFinishedChange(ifalias as string | undefined) ? undefined : ifalias,
    })),
    names: (await readdir('/run/netns')).filter(name => name.startsWith('pm')),
  }
}

/** Every port arrives at its owner, and nothing is sent to anybody else. */
async function delivers(
  t: Test,
  tool: FrameTool,
  isolator: PortMappingIsolator,
  topology: Topology,
  n: number,
) {
  const { remote, host, containers } = topology
  const there = isolator.list().map(info => ({ ...containers[info.id === 'web-1' ? 0 : 1]!, info }))
  await using oracle = await PortOracle.open(tool, { remote, host, containers: there })
  const owners = new Uint16Array(65_536).fill(HOST)
  there.forEach(({ info }, i) => {
    const ports = allPorts({ ports: PortRanges.from(info.ports), ephemeralPorts: info.ephemeralPorts })
    for (const [begin, end] of ports) owners.fill(i, begin, end + 1)
  })
  const variant = STANDARD_VARIANTS[n % STANDARD_VARIANTS.length]!
  t.match(await oracle.check(variant, owners), { wrong: 0, duplicates: 0, lost: 0 }, variant.name)
}

const PORTS = { before: '31100-31107', after: '31104-31115,31130' }

t.test('killed at a message', needsIsolation(), async t => {
  const { topology, options, create, say } = await world(t, 2)
  const { host } = topology
  const netns = topology.containers[1]!.name
  const tool = await FrameTool.start()
  t.teardown(() => tool.close())
  const calls = {
    isolate: { known: ['web-1'], call: ['isolate', 'web-2', { netns, ports: PORTS.before }] },
    update: { known: ['web-1', 'web-2'], call: ['update', 'web-2', { ports: PORTS.after }] },
    cleanup: { known: ['web-1', 'web-2'], call: ['cleanup', 'web-2'] },
  }

  /** Has web-2 be there or not, as the call needs it. */
  const prepare = async (present: boolean): Promise<void> => {
    const isolator = await create()
    await isolator.recover(['web-1'], { unknown: 'remove' })
    if (present) await isolator.isolate('web-2', { netns, ports: PORTS.before })
    await isolator.close()
  }
  await prepare(true)
  await prepare(false)
  const traces = await tracesOf(host)

  for (const [name, { known, call }] of Object.entries(calls)) {
    await t.test(name, async t => {
      await prepare(known.length > 1)
      const { output } = await start('cut-off', { options, known, call }).ended
      const total = Number(output)
      t.ok(total > 5, `${total} messages`)
      for (let messages = 0; messages < total; messages += EVERY) {
        await prepare(known.length > 1)
        const { signal } = await start('cut-off', { options, known, call, messages }).ended
        t.equal(signal, 'SIGKILL', `after ${messages} messages`)
        const isolator = await create()
        const recovery = await isolator.recover(['web-1', 'web-2'])
        t.strictSame(recovery.cleaned, [])
        t.ok(recovery.recovered.includes('web-1'))
        if (name === 'update') {
          const ports = PortRanges.from(isolator.get('web-2')?.ports ?? [])
          t.ok(
            [PORTS.before, PORTS.after].some(wanted => ports.contains(PortRanges.from(wanted))),
            `${ports}`,
          )
        }
        t.strictSame(
          (await isolator.verify()).filter(({ object }) => !object.includes('bpf')),
          [],
        )
        t.strictSame((await isolator.repair()).left, [])
        await delivers(t, tool, isolator, topology, messages)
        t.equal(
          await say(`${name} ${messages}`),
          `${name} ${messages}`,
          'the connection of the other goes on',
        )
        await isolator.cleanup('web-2')
        await isolator.close()
        t.strictSame(await tracesOf(host), traces, 'nothing is left')
      }
    })
  }
})

t.test(`killed at ${MOMENTS} moments`, needsIsolation(), async t => {
  const { topology, options, create, say } = await world(t, 5)
  const { host } = topology
  const namespaces = topology.containers.slice(1).map(({ name }) => name)
  const clean = async (): Promise<void> => {
    const isolator = await create()
    await isolator.recover(['web-1'], { unknown: 'remove' })
    await isolator.close()
  }
  await changesNothing(t, [host], async () => {
    await clean()
    const traces = await tracesOf(host)
    for (let i = 0; i < MOMENTS; i++) {
      const { child, ended } = start('busy', { options, known: ['web-1'], namespaces })
      await once(child.stdout, 'data')
      const saying = say(`${i}`)
      await sleep(Math.random() * 100)
      child.kill('SIGKILL')
      t.equal((await ended).signal, 'SIGKILL')
      t.equal(await saying, `${i}`, 'a connection goes on meanwhile')
      const isolator = await create()
      const known = ['web-1', ...namespaces.map((_, i) => `busy-${i}`)]
      t.ok((await isolator.recover(known)).recovered.includes('web-1'))
      const found = await isolator.verify()
      t.strictSame(
        found.filter(({ object }) => !/ dev (lo|eth0) .*bpf/.test(object)),
        [],
      )
      await isolator.close()
      await clean()
      t.strictSame(await tracesOf(host), traces, 'nothing is left')
      t.equal(await say('after'), 'after')
    }
  })
})
