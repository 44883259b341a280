/** A tour: two containers behind one IP address, what reaches whom, and what it took. Needs no root: `npm run demo`. */
import type { Server } from 'node:net'
import type { Socket } from 'node:dgram'
import { NetworkNamespace, PortMappingIsolator, RtnetlinkSocket } from 'rtnetlink'
import { tcpAsk, tcpServer, udpAsk, udpServer } from './namespace-traffic.js'

const REMOTE = '10.9.0.1'
const HOST = '10.9.0.2'
const [REMOTE6, HOST6, LATER6] = ['2001:db8:9::1', '2001:db8:9::2', '2001:db8:9::3']

const began = performance.now()
const prefix = `demo${process.pid}`
const [remote, host, c1, c2] = (await Promise.all(
  ['remote', 'host', 'c1', 'c2'].map(name => NetworkNamespace.create(`${prefix}-${name}`)),
)) as [NetworkNamespace, NetworkNamespace, NetworkNamespace, NetworkNamespace]
const servers: (Server | Socket)[] = []

try {
  heading('A host with one address, and a machine on its wire')
  await connect()
  say(`remote ${REMOTE} ---- eth0 of the host ${HOST}`)

  heading('The isolator takes two port ranges of the host')
  const isolator = await PortMappingIsolator.create({
    netns: host,
    publicInterface: 'eth0',
    ports: '31000-31999',
    ephemeralPorts: '20000-24095',
    ephemeralPortsPerContainer: 1024,
    ipv6: 'auto',
  })
  say(`${isolator.explain().length} commands' worth of static filters, whatever the number of containers`)

  const [web1, web2] = [
    await timed(() => isolator.isolate('web-1', { netns: c1, ports: '31000-31007' })),
    await timed(() => isolator.isolate('web-2', { netns: c2, ports: '31008-31015' })),
  ]
  for (const [info, ms] of [web1, web2]) {
    say(
      `${info.id}: ports ${info.ports.join(' ').replace(',', '-')}, ephemeral ${info.ephemeralPorts.join('-')}, veth ${info.link}, isolated in ${ms} ms`,
    )
  }

  heading('Servers: on its own port in each container, on the same port in both, on the host')
  servers.push(
    await tcpServer(c1, 'web-1', 31000),
    await tcpServer(c2, 'web-2', 31008),
    await tcpServer(c1, 'web-1 on 8080', 8080),
    await tcpServer(host, 'the host', 80),
    await tcpServer(remote, 'remote', 80),
    await udpServer(c1, 'web-1', 31001),
    await udpServer(remote, 'remote', 53),
  )

  heading('What reaches whom')
  await show('remote -> host:31000 (web-1)', tcpAsk(remote, HOST, 31000))
  await show('remote -> host:31008 (web-2)', tcpAsk(remote, HOST, 31008))
  await show('remote -> host:31001 (web-1, UDP)', udpAsk(remote, HOST, 31001))
  await show('remote -> host:80 (the host itself)', tcpAsk(remote, HOST, 80))
  await show('web-1 -> remote:80', tcpAsk(c1, REMOTE, 80))
  await show('web-1 -> remote:53 (UDP)', udpAsk(c1, REMOTE, 53))
  await show('web-1 -> web-2 by the shared address', tcpAsk(c1, HOST, 31008))
  await show('web-1 -> web-2 by 127.0.0.1', tcpAsk(c1, '127.0.0.1', 31008))
  await show('web-2 -> the host by 127.0.0.1', tcpAsk(c2, '127.0.0.1', 80))
  await show('the host -> web-1 by 127.0.0.1', tcpAsk(host, '127.0.0.1', 31000))

  heading('What is dropped')
  await show("remote -> host:8080, a port that isn't web-1's", tcpAsk(remote, HOST, 8080))
  await show("web-1 -> remote:80 from a port that isn't its own", tcpAsk(c1, REMOTE, 80, 40000))
  await show("web-1 -> remote:53 (UDP) from a port of web-2's", udpAsk(c1, REMOTE, 53, 31008))

  heading('IPv6 beside it: the same ports by the same addresses as the host, whatever becomes of them')
  if (isolator.host.ipv6) await followAnAddress(isolator)
  else say('this kernel has no IPv6')

  heading('Counters, under the names of Mesos')
  for (const { id } of isolator.list()) {
    const { net_rx_packets, net_rx_bytes, net_tx_packets, net_tx_bytes } = await isolator.usage(id)
    say(
      `${id}: received ${net_rx_packets} packets, ${net_rx_bytes} bytes; sent ${net_tx_packets} packets, ${net_tx_bytes} bytes`,
    )
  }

  heading('The same container, by hand (from isolator.explain)')
  for (const line of isolator.explain('web-1')) say(shortened(line))

  heading('And away again')
  await isolator.destroy()
  await using rt = await RtnetlinkSocket.open({ netns: host })
  const left = (await rt.links.list()).map(({ name }) => name)
  say(
    `links of the host now: ${left.join(', ')}; ingress qdiscs: ${(await rt.qdiscs.list()).filter(({ kind }) => kind === 'ingress').length}`,
  )
} finally {
  for (const server of servers) server.close()
  for (const netns of [remote, host, c1, c2]) await netns.delete()
}
say(`\nDone in ${((performance.now() - began) / 1000).toFixed(1)} s; nothing is left behind.`)

/** A veth pair between remote and host, with addresses; a default route, as hosts have one. */
async function connect(): Promise<void> {
  await using atRemote = await RtnetlinkSocket.open({ netns: remote })
  await using atHost = await RtnetlinkSocket.open({ netns: host })
  await atRemote.links.add({ name: 'wire', kind: 'veth', peer: { name: 'eth0', netns: host } })
  for (const [rt, dev, address] of [
    [atRemote, 'wire', REMOTE],
    [atHost, 'eth0', HOST],
  ] as const) {
    await rt.links.change({ dev: 'lo', up: true })
    await rt.links.change({ dev, up: true })
    await rt.addresses.add({ dev, address, prefixLength: 24 })
  }
  await atHost.routes.add({ destination: 'default', gateway: REMOTE, dev: 'eth0' })
  if (!(await atHost.links.get('eth0')).inet6) return
  for (const [rt, dev, address] of [
    [atRemote, 'wire', REMOTE6],
    [atHost, 'eth0', HOST6],
  ] as const)
    await rt.addresses.add({ dev, address, prefixLength: 64, nodad: true })
  await atHost.routes.add({ destination: 'default', gateway: REMOTE6, dev: 'eth0' })
}

/** The host gets another IPv6 address, and so do its containers. */
async function followAnAddress(isolator: PortMappingIsolator): Promise<void> {
  await using atHost = await RtnetlinkSocket.open({ netns: host })
  await using inside = await RtnetlinkSocket.open({ netns: c1 })
  const shared = async (): Promise<string> => {
    const addresses = await inside.addresses.list({ dev: 'eth0', family: 'inet6', scope: 'global' })
    return addresses.map(({ address }) => address).join(' and ')
  }
  say(`web-1 has ${await shared()}`)
  const followed = new Promise(resolve => isolator.on('repaired', resolve))
  const [, ms] = await timed(async () => {
    await atHost.addresses.add({ dev: 'eth0', address: LATER6, prefixLength: 64, nodad: true })
    await followed
  })
  say(`the host gets ${LATER6}; ${ms} ms later web-1 has ${await shared()}`)
}

async function timed<T>(work: () => Promise<T>): Promise<[T, string]> {
  const start = performance.now()
  const result = await work()
  return [result, (performance.now() - start).toFixed(1)]
}

async function show(what: string, outcome: Promise<string>): Promise<void> {
  say(`${what.padEnd(52)} ${await outcome}`)
}

function heading(text: string): void {
  console.log(`\n\u001b[1m${text}\u001b[0m`)
}

function say(text: string): void {
  console.log(text.startsWith('\n') ? text : `  ${text}`)
}

function shortened(line: string): string {
  return line.length <= 150 ? line : `${line.slice(0, 100)} … ${line.slice(-40)}`
}
