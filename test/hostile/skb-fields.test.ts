/**
 * What root in a container can say of its packets, beside their bytes: rules, classes and flows of the host must not be chosen
 * by it, and the filters must see every packet as what it is. docs/kernel-layout.md has the table.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { FrameTool } from '../helpers/frame-tool.js'
import { ip, ipBatch, run, runIn, tc, tcBatch } from '../helpers/iproute2.js'
import { udpSocketIn } from '../helpers/namespace-sockets.js'
import { HOST_IP6, twoContainers6 } from '../isolator/inet6-topology.js'
import { needsIsolation, firstPort, twoContainers } from '../isolator/isolated-topology.js'
import { udp6 } from '../helpers/packets6.js'
import { allOf, hasQdisc } from '../helpers/privilege.js'
import { ScriptInside } from '../helpers/script-inside.js'
import { HOST_IP, HOST_MAC, REMOTE_IP, WIRE, type NamespaceRef } from '../helpers/topology.js'
import { INET, INET6, type CommonFields, type Family } from './family.js'
import { FOREIGN, OWN, ported } from './frames.js'
import { datagram6 } from './frames6.js'
import { virtioNetHeader } from './offloads.js'

/** linux/asm-generic/socket.h */
const SO_PRIORITY = 12
const SO_MARK = 36

/** The fq_codel with a flow per container takes a packet's priority for a flow, HTB for a class: their handle, and a number. */
const HANDLE = 0x504d
const UNMARKED = `${HANDLE.toString(16)}:1`
const BY_PRIORITY = `${HANDLE.toString(16)}:2`
const BY_MARK = `${HANDLE.toString(16)}:3`

/** Loads the mark, and matches where it is not 0. */
const MARKED = '4,32 0 0 4294963220,21 1 0 0,6 0 0 4294967295,6 0 0 0'

const COUNT = 20

/** Node has no setsockopt for these. */
const SEND = `
import socket, sys
option, value, port, address, count = (*map(int, sys.argv[1:4]), sys.argv[4], int(sys.argv[5]))
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, option, value)
s.bind(('', port))
for _ in range(count): s.sendto(b'x' * 100, (address, 9))
`

const send = ({ path }: NamespaceRef, option: number, value: number): Promise<string> =>
  runIn(path, 'python3', '-c', SEND, ...[option, value, OWN].map(String), REMOTE_IP, String(COUNT))

async function packetsByClass(host: NamespaceRef): Promise<Record<string, number>> {
  const text = await run('tc', ['-n', host.name, '-s', 'class', 'show', 'dev', WIRE])
  const found = text.matchAll(/^class htb (\S+) .*\n Sent \d+ bytes (\d+) pkt/gm)
  return Object.fromEntries(Array.from(found, ([, classid = '', packets]) => [classid, Number(packets)]))
}

t.test(
  'neither mark nor priority of a packet gets to the host',
  allOf(needsIsolation(), hasQdisc('htb')),
  async t => {
    const { host, c1 } = await twoContainers(t)
    t.equal(c1.port, firstPort(0))
    t.equal(c1.port, OWN)
    await tcBatch(host.name, [
      `qdisc add dev ${WIRE} root handle 504d: htb default 1`,
      ...[UNMARKED, BY_PRIORITY, BY_MARK].map(
        classid => `class add dev ${WIRE} parent 504d: classid ${classid} htb rate 10gbit quantum 60000`,
      ),
      `filter add dev ${WIRE} parent 504d: prio 1 protocol ip bpf bytecode "${MARKED}" flowid ${BY_MARK}`,
    ])
    const attempts = [
      [SO_PRIORITY, HANDLE * 0x10000 + 2, BY_PRIORITY],
      [SO_MARK, 7, BY_MARK],
    ] as const
    for (const [option, value, classid] of attempts) {
      const before = await packetsByClass(host)
      await send(c1, option, value)
      const between = await packetsByClass(host)
      t.equal(between[classid], before[classid], `${classid} gets none from a container`)
      t.ok((between[UNMARKED] ?? 0) >= (before[UNMARKED] ?? 0) + COUNT, 'though they do pass')
      await send(host, option, value)
      const after = await packetsByClass(host)
      t.equal(
        after[classid],
        (between[classid] ?? 0) + COUNT,
        'a positive control: the same socket on the host',
      )
    }
  },
)

const FIELD = new URL('skb-field.py', import.meta.url)
const XDP = new URL('../isolator/fixtures/xdp.py', import.meta.url)

/** Undefined, and the test skipped, where the kernel takes no eBPF program of this process. */
async function attached(
  t: Test,
  at: NamespaceRef,
  script: URL,
  ...args: string[]
): Promise<ScriptInside | undefined> {
  const program = await ScriptInside.start(at, script, ...args)
  t.teardown(() => program.end())
  if (program.said === 'attached') return program
  t.skip(`no eBPF program here: ${program.said}`, () => undefined)
  return undefined
}

/**
 * Fields that an eBPF program of root's sets as packets leave the container: with which value, whether the host's end of the veth
 * sees it, and whether the packets get to the wire.
 */
const FIELDS = {
  mark: { value: 7, stays: false, passes: true },
  priority: { value: 7, stays: false, passes: true },
  // SO_TXTIME: when the packet is to be sent, ns.
  tstamp: { value: 1_000_000_007, stays: false, passes: true },
  // PACKET_MULTICAST
  pkt_type: { value: 2, stays: false, passes: true },
  // The interface of the container, which has one queue, sets it.
  queue_mapping: { value: 3, stays: false, passes: true },
  hash: { value: 7777, stays: true, passes: true },
  tc_index: { value: 7, stays: true, passes: true },
  cb: { value: 7, stays: true, passes: true },
  // A tag beside the frame.
  vlan_tci: { value: 5, stays: true, passes: false },
} as const

t.test('fields that root sets by a program', needsIsolation(), async t => {
  const { remote, host, c1 } = await twoContainers(t)
  await tcBatch(c1.name, [`qdisc del dev ${WIRE} ingress`, `qdisc add dev ${WIRE} clsact`])
  for (const [field, { value, stays, passes }] of Object.entries(FIELDS)) {
    await t.test(field, async t => {
      const what = [field, String(value)]
      const setter = await attached(t, c1, FIELD, WIRE, 'egress', '1', 'set', ...what)
      if (!setter) return
      const leaving = await attached(t, c1, FIELD, WIRE, 'egress', '2', 'count', ...what)
      const entering = await attached(t, host, FIELD, c1.info.link, 'ingress', '1', 'count', ...what)
      const receiver = await udpSocketIn(remote, '0.0.0.0', 9)
      t.teardown(() => receiver.close())
      let received = 0
      receiver.on('message', () => received++)
      await send(c1, SO_MARK, 0)
      await sleep(200)
      // Neighbour requests are among them.
      t.ok(Number(await leaving?.ask()) >= COUNT, 'control: they leave with it')
      const seen = Number(await entering?.ask())
      if (stays) t.ok(seen >= COUNT, `the host sees it: ${seen}`)
      else t.equal(seen, 0, 'the host does not see it')
      t.equal(received, passes ? COUNT : 0, `${received} arrive`)
    })
  }
})

/** Ways out of the container for what is sent on x0: the kernel notes that it was redirected, and on the way out or in. */
const REDIRECTIONS = {
  redirected: 'dev x0 egress',
  'redirected, from ingress': 'dev x1 ingress',
} as const

for (const [name, hook] of Object.entries(REDIRECTIONS)) {
  t.test(`the filters see what is ${name}`, needsIsolation(), async t => {
    const { remote, host, c1 } = await twoContainers(t)
    await ip(c1.name, 'link add x0 type veth peer name x1')
    await ipBatch(c1.name, ['link set x0 up', 'link set x1 up'])
    await tcBatch(c1.name, [
      ...['x0', 'x1'].map(dev => `qdisc add dev ${dev} clsact`),
      `filter add ${hook} protocol all u32 match u32 0 0 action mirred egress redirect dev ${WIRE}`,
    ])
    await using tool = await FrameTool.start()
    const wire = await tool.packetSocket({ netns: remote.path, device: WIRE })
    const stack = await tool.packetSocket({ netns: host.path, device: c1.info.link, protocol: 0x0800 })
    const openSender = (device: string) => tool.packetSocket({ netns: c1.path, device, protocol: 0 })
    const [direct, around] = [await openSender(WIRE), await openSender('x0')]
    let marks = 0
    /** Where a datagram from a port arrives. */
    const arrives = async (sender: typeof direct, sourcePort: number, to?: 'host') => {
      const mark = Buffer.from(`skb field ${marks++}.`)
      const fields = to ? { to: HOST_MAC, destination: HOST_IP, destinationPort: 80 } : {}
      await sender.send(ported({ sourcePort, ...fields })(mark))
      const [onWire, inStack] = await Promise.all(
        [wire, stack].map(socket => socket.next(({ bytes }) => bytes.includes(mark), 300)),
      )
      return { onWire: !!onWire, inStack: !!inStack }
    }
    t.strictSame(await arrives(around, OWN), { onWire: true, inStack: false })
    t.strictSame(await arrives(around, FOREIGN), { onWire: false, inStack: false })
    t.strictSame(await arrives(around, FOREIGN, 'host'), { onWire: false, inStack: false })

    const xdp = await attached(t, host, XDP, c1.info.link, 'drop')
    if (!xdp) return
    t.strictSame(await arrives(direct, OWN), { onWire: false, inStack: false }, 'control: XDP drops')
    t.strictSame(
      await arrives(around, OWN),
      { onWire: true, inStack: false },
      'the note stays: generic XDP of the host leaves out what was redirected',
    )
    t.strictSame(await arrives(around, FOREIGN), { onWire: false, inStack: false }, 'the filters do not')
    await tc(host.name, `filter del dev ${c1.info.link} ingress`)
    await ip(host.name, `link set ${c1.info.link} nomaster`)
    t.match(await arrives(around, FOREIGN, 'host'), { inStack: true }, 'control: without them it enters')
  })
}

/** struct virtio_net_hdr, linux/virtio_net.h */
const GSO_UDP_L4 = 5
const UDP_CHECKSUM = 6

/** What is left to do of a frame, and to whoever receives it: cut it up, or fill in a checksum. */
function offloadsOf({ headerLength, sourceAt }: Family): Readonly<Record<string, Buffer>> {
  const [source, udp] = [14 + sourceAt, 14 + headerLength]
  return {
    'a checksum to be filled in': virtioNetHeader({ start: udp, offset: UDP_CHECKSUM }),
    'a checksum over the source address': virtioNetHeader({ start: source, offset: 0 }),
    'a checksum over the source port': virtioNetHeader({ start: udp, offset: 0 }),
    'datagrams to be cut': virtioNetHeader({ type: GSO_UDP_L4, size: 16, start: udp, offset: UDP_CHECKSUM }),
  }
}

const BODY = Buffer.alloc(64)
const FAMILIES = {
  IPv4: { family: INET, make: twoContainers, datagramOf: (fields: CommonFields) => ported(fields)(BODY) },
  // With a checksum: IPv6 takes no datagram without.
  IPv6: {
    family: INET6,
    make: twoContainers6,
    datagramOf: ({ sourcePort = OWN, destinationPort = 9, ...fields }: CommonFields) =>
      datagram6(
        udp6({ sourcePort, destinationPort }, BODY, { source: HOST_IP6, destination: HOST_IP6 }),
        fields,
      ),
  },
}

for (const [name, { family, make, datagramOf }] of Object.entries(FAMILIES)) {
  t.test(`checksums and GSO, to the host and to another container: ${name}`, needsIsolation(), async t => {
    const { host, c1, c2 } = await make(t)
    const receivers = [
      { name: 'host', port: 80, socket: await udpSocketIn(host, family.any, 80) },
      { name: 'another container', port: c2.port, socket: await udpSocketIn(c2, family.any, c2.port) },
    ]
    t.teardown(() => receivers.forEach(({ socket }) => socket.close()))
    await using tool = await FrameTool.start()
    const sender = await tool.packetSocket({ netns: c1.path, device: WIRE, protocol: 0, vnetHeader: true })
    /** False where the kernel does not know this offload: datagrams are cut for sockets since Linux 6.2. */
    const sends = async (frame: Buffer): Promise<boolean> => {
      try {
        await sender.send(frame)
        return true
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'EINVAL' && frame[1] === GSO_UDP_L4) return false
        throw error
      }
    }
    for (const [what, header] of Object.entries(offloadsOf(family))) {
      for (const { name, port, socket } of receivers) {
        const peers: string[] = []
        const listener = (_: Buffer, { address, port }: { address: string; port: number }) =>
          peers.push(`${address}:${port}`)
        socket.on('message', listener)
        const fields = { to: HOST_MAC, destination: family.host, destinationPort: port }
        const frame = (sourcePort: number): Buffer => datagramOf({ ...fields, sourcePort })
        if (!(await sends(Buffer.concat([header, frame(FOREIGN)])))) {
          t.comment(`${what}: not by this kernel`)
          socket.off('message', listener)
          continue
        }
        await sends(Buffer.concat([header, frame(OWN)]))
        await sleep(300)
        socket.off('message', listener)
        t.ok(peers.length > 0, `${what}, to ${name}: ${peers.length} arrive`)
        t.strictSame([...new Set(peers)], [`${family.host}:${OWN}`], 'all from where they are from')
      }
    }
  })
}
