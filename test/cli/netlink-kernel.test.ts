import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { jsonReplacer, jsonReviver, RtnetlinkSocket, SockDiagSocket } from '../../src/index.js'
import { ipBatch, runIn, tcBatch } from '../helpers/iproute2.js'
import { allOf, canCreateNamespaces, hasAction, hasFilter, hasQdisc } from '../helpers/privilege.js'
import { scratch, type Scratch } from '../rtnetlink/scratch.js'
import { rtnetlink } from './rtnetlink.js'

const needs = allOf(
  canCreateNamespaces(),
  ...['htb', 'clsact'].map(hasQdisc),
  ...['u32', 'bpf'].map(hasFilter),
  hasAction('mirred'),
)

/** A namespace in which nothing moves: no IPv6, so nobody sends anything. */
async function quiet(t: Test): Promise<Scratch> {
  const made = await scratch(t)
  await runIn(made.path, 'sysctl', '-qew', 'net.ipv6.conf.all.disable_ipv6=1')
  await ipBatch(made.name, [
    'link set lo up',
    'link add name v0 index 10 address 02:00:00:00:00:0a type veth peer name v1 index 11 address 02:00:00:00:00:0b',
    'link set v0 up alias first',
    'link set v1 up',
    'link property add dev v0 altname wire',
    'addr add 10.9.0.2/24 dev v0',
    'addr add 10.9.0.3 peer 10.9.1.3/32 dev v1',
    'route add default via 10.9.0.1 dev v0',
    'route add 10.8.0.0/16 nexthop via 10.9.0.1 dev v0 nexthop via 10.9.0.9 dev v0',
    'route add blackhole 10.7.0.0/16 metric 5',
    'neigh add 10.9.0.1 lladdr 02:00:0a:09:00:01 dev v0',
    'neigh add proxy 10.9.0.77 dev v0',
  ])
  await tcBatch(made.name, [
    'qdisc add dev v0 root handle 1: htb default 0x10',
    'class add dev v0 parent 1: classid 1:10 htb rate 10mbit ceil 20mbit burst 1600 cburst 1600',
    'qdisc add dev v0 clsact',
    'filter add dev v0 parent 1: prio 1 protocol ip u32 match ip dst 10.9.0.7 flowid 1:10',
    'filter add dev v0 ingress prio 10 protocol ip handle ::1 u32 match ip dport 31000 0xfff8 action mirred egress redirect dev v1',
    "filter add dev v0 egress prio 11 protocol all bpf da bytecode '2,177 0 0 0,6 0 0 0'",
  ])
  return made
}

/** Each table, as it is to be, without the first and the last line break. */
const goldens: Record<string, string> = {
  links: `
INDEX  NAME   STATE  KIND        MTU  QDISC    ADDRESS            RX  TX  ALIAS  ALSO
    1  lo     up     loopback  65536  noqueue  00:00:00:00:00:00   0   0
   10  v0@v1  up     veth       1500  htb      02:00:00:00:00:0a   0   0  first  wire
   11  v1@v0  up     veth       1500  noqueue  02:00:00:00:00:0b   0   0
`,
  'links --dev wire': `
INDEX  NAME   STATE  KIND   MTU  QDISC  ADDRESS            RX  TX  ALIAS  ALSO
   10  v0@v1  up     veth  1500  htb    02:00:00:00:00:0a   0   0  first  wire
`,
  'addresses --family inet': `
DEV  ADDRESS                    SCOPE
lo   127.0.0.1/8                host
v0   10.9.0.2/24                global
v1   10.9.0.3 peer 10.9.1.3/32  global
`,
  routes: `
DESTINATION  TYPE       VIA       DEV  SOURCE    METRIC  PROTOCOL  SCOPE
default                 10.9.0.1  v0                     boot      global
10.7.0.0/16  blackhole                                5  boot      global
10.8.0.0/16             10.9.0.1  v0                     boot      global
                        10.9.0.9  v0                     boot      global
10.9.0.0/24                       v0   10.9.0.2          kernel    link
10.9.1.3                          v1   10.9.0.3          kernel    link
`,
  neighbours: `
ADDRESS   DEV  LLADDR             STATE
10.9.0.1  v0   02:00:0a:09:00:01  permanent
`,
  'qdiscs --dev v0': `
DEV  KIND    HANDLE  PARENT     BYTES  PACKETS  DROPPED  BACKLOG  OPTIONS
v0   htb     1:      root           0        0        0        0  default 10 direct_qlen 1000
v0   clsact  ffff:   ffff:fff1      0        0        0        0
`,
  classes: `
DEV  KIND  CLASS  PARENT  BYTES  PACKETS  DROPPED  BACKLOG  OPTIONS
v0   htb   1:10   root        0        0        0        0  rate 1250000bps ceil 2500000bps burst 1600 cburst 1600 quantum 125000
`,
  filters: `
DEV  PARENT   PRIO  PROTOCOL  KIND  HANDLE    WORDS
v0   1:          1  ip        u32   800:      divisor 1
v0   1:          1  ip        u32   800::800  match u32 0x0a090007 0xffffffff at 16 classid 1:10
v0   ingress    10  ip        u32   800:      divisor 1
v0   ingress    10  ip        u32   800::1    match u32 0x00007918 0x0000fff8 at 20 action mirred egress redirect dev v1
v0   egress     11  all       bpf   1         da bytecode of 2 instructions
`,
  'filters --dev v0 --parent egress': `
DEV  PARENT  PRIO  PROTOCOL  KIND  HANDLE  WORDS
v0   egress    11  all       bpf   1       da bytecode of 2 instructions
`,
  'filters --parent 1:': `
DEV  PARENT  PRIO  PROTOCOL  KIND  HANDLE    WORDS
v0   1:         1  ip        u32   800:      divisor 1
v0   1:         1  ip        u32   800::800  match u32 0x0a090007 0xffffffff at 16 classid 1:10
`,
  'filters --parent ffff:fff3': `
DEV  PARENT  PRIO  PROTOCOL  KIND  HANDLE  WORDS
v0   egress    11  all       bpf   1       da bytecode of 2 instructions
`,
  'filters --parent 0001:0': `
DEV  PARENT  PRIO  PROTOCOL  KIND  HANDLE    WORDS
v0   1:         1  ip        u32   800:      divisor 1
v0   1:         1  ip        u32   800::800  match u32 0x0a090007 0xffffffff at 16 classid 1:10
`,
  'filters --dev v1': 'no filters\n',
  'sockets --protocol tcp': 'no sockets\n',
}

t.test('tables', needs, async t => {
  const { name } = await quiet(t)
  for (const [line, golden] of Object.entries(goldens))
    t.test(line, async t => {
      const { code, stdout, stderr } = await rtnetlink(`${line} --netns ${name}`)
      t.strictSame(stdout.split('\n'), golden.replace(/^\n/, '').split('\n'))
      t.strictSame({ code, stderr }, { code: 0, stderr: '' })
    })
})

t.test(
  'a link that is down, one without carrier, a neighbour that does not answer: in colour',
  needs,
  async t => {
    const { name } = await quiet(t)
    await ipBatch(name, ['neigh add 10.9.0.8 nud failed dev v0'])
    t.match(
      (await rtnetlink(`neighbours --netns ${name}`, { coloured: true })).stdout,
      '\x1b[31mfailed\x1b[0m',
    )
    await ipBatch(name, ['link set v1 down'])
    const links = (await rtnetlink(`links --netns ${name}`, { coloured: true })).stdout.split('\n')
    t.match(links[1], '\x1b[32mup\x1b[0m')
    t.match(links[2], '\x1b[31mup, lowerlayerdown\x1b[0m')
    t.match(links[3], '\x1b[2mdown\x1b[0m')
    t.notMatch((await rtnetlink(`links --netns ${name}`)).stdout, '\x1b', 'control')
  },
)

/** Without what changes by itself from one look to the next. */
const lasting = (objects: unknown): unknown =>
  JSON.parse(JSON.stringify(objects, jsonReplacer), (key, value: unknown) =>
    ['age', 'confirmed', 'used', 'updated'].includes(key) ? undefined : jsonReviver(key, value),
  )

t.test('--json has what the library lists', needs, async t => {
  const { name } = await quiet(t)
  const rt = await RtnetlinkSocket.open({ netns: name })
  const diag = await SockDiagSocket.open({ netns: name })
  t.teardown(() => {
    rt.close()
    diag.close()
  })
  const { classes, filters } = await rt.snapshot(['classes', 'filters'])
  const listed: Record<string, unknown[]> = {
    links: await rt.links.list(),
    'links --dev v0': [await rt.links.get('v0')],
    addresses: await rt.addresses.list(),
    'addresses --dev v0': await rt.addresses.list({ dev: 'v0' }),
    routes: await rt.routes.list({ table: 'main' }),
    'routes --table all --dev v1': await rt.routes.list({ dev: 'v1' }),
    'routes --table 255': await rt.routes.list({ table: 'local' }),
    neighbours: await rt.neighbours.list(),
    qdiscs: await rt.qdiscs.list(),
    classes,
    'classes --dev v0': await rt.classes.list({ dev: 'v0' }),
    filters,
    'filters --dev v0 --parent ingress': await rt.filters.list({ dev: 'v0', parent: 'ingress' }),
    'sockets --protocol tcp': await diag.list({ protocol: 'tcp' }),
  }
  for (const [line, objects] of Object.entries(listed)) {
    const { code, stdout } = await rtnetlink(`${line} --json --netns ${name}`)
    t.equal(code, 0)
    t.strictSame(lasting(JSON.parse(stdout, jsonReviver)), lasting(objects), line)
  }
  t.ok(filters.length > 0 && classes.length > 0, 'control')
})

t.test('sockets', canCreateNamespaces(), async t => {
  const made = await scratch(t)
  await ipBatch(made.name, ['link set lo up'])
  const program = `import socket, sys
tcp = socket.socket(); tcp.bind(('127.0.0.1', 8080)); tcp.listen()
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); udp.bind(('127.0.0.1', 5353))
udp.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b'lo')
client = socket.socket(); client.bind(('127.0.0.1', 9000)); client.connect(('127.0.0.1', 8080))
print('begun', flush=True); sys.stdin.read()`
  const child = spawn('nsenter', [`--net=${made.path}`, 'python3', '-c', program], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  await once(child.stdout, 'data')
  const rows = async (line: string): Promise<string[]> => {
    const { stdout } = await rtnetlink(`${line} --netns ${made.name}`)
    // Not the number of the inode.
    return stdout.split('\n').map(row => row.replace(/ +\S+$/, '').replace(/ +/g, ' '))
  }
  const tcp = [
    'tcp listening 1 128 127.0.0.1:8080 0.0.0.0:* 0',
    'tcp established 0 0 127.0.0.1:9000 127.0.0.1:8080 0',
  ]
  const listening = (await rows('sockets --listening --protocol tcp')).slice(1, -1)
  t.match(listening, [/^tcp listening 1 \d+ 127.0.0.1:8080 0.0.0.0:\* 0$/])
  t.ok((await rows('sockets --protocol tcp')).includes(tcp[1]!))
  const bound = await rtnetlink(`sockets --dev lo --protocol udp --netns ${made.name}`)
  if (bound.code === 0) t.match(bound.stdout, /^udp +unconnected +0 +0 +127.0.0.1:5353 +0.0.0.0:\* +lo +0 /m)
  else t.match(bound.stderr, 'ENOENT', 'this kernel has no udp_diag')
  t.match(await rtnetlink(`sockets --netns ${made.name}`), {
    code: 0,
    stdout: /^tcp +listening /m,
    stderr: bound.code === 0 ? /^$/ : /no list of UDP sockets/,
  })
})

t.test('a namespace by name, path and pid', canCreateNamespaces(), async t => {
  const made = await scratch(t)
  await ipBatch(made.name, ['link add name here type bridge'])
  const child = spawn('nsenter', [`--net=${made.path}`, 'sleep', '100'])
  t.teardown(() => child.kill('SIGKILL'))
  for (const netns of [made.name, made.path, `${child.pid}`]) {
    const listed = async (): Promise<string> => (await rtnetlink(`links --netns ${netns}`)).stdout
    // nsenter needs a moment.
    for (let i = 0; i < 200 && !/ here /.test(await listed()); i++) await sleep(10)
    t.match(await listed(), / here /, netns)
  }
  t.notMatch((await rtnetlink('links')).stdout, / here /, 'control: it is not in our own')
})

t.test('monitor', canCreateNamespaces(), async t => {
  const made = await scratch(t)
  const stop = new AbortController()
  const shown = { people: '', programs: '' }
  const watching = Promise.all([
    rtnetlink(`monitor --netns ${made.name}`, {
      signal: stop.signal,
      printed: text => (shown.people = text),
    }),
    rtnetlink(`monitor links --json --netns ${made.name}`, {
      signal: stop.signal,
      printed: text => (shown.programs = text),
    }),
  ])
  const until = async (condition: () => boolean): Promise<void> => {
    for (let i = 0; i < 500 && !condition(); i++) await sleep(10)
  }
  // They watch as soon as they show a change.
  await ipBatch(made.name, ['link add name first type bridge'])
  for (let i = 0; !/first/.test(shown.people) || !/first/.test(shown.programs); i++) {
    await ipBatch(made.name, [`link set first mtu ${1000 + i}`])
    await sleep(20)
  }
  await ipBatch(made.name, [
    'link add name here address 02:00:00:00:00:01 type bridge',
    'addr add 10.9.0.2/24 dev here',
    'link add name port address 02:00:00:00:00:02 type veth peer name far',
    'link set port master here',
    'link set port nomaster',
  ])
  await until(() => /10\.9\.0\.2/.test(shown.people) && /- links +port/.test(shown.people))
  await ipBatch(made.name, ['link del here'])
  await until(() => /- links +here/.test(shown.people) && /"delete"/.test(shown.programs))
  stop.abort()
  t.strictSame(
    (await watching).map(({ code, stderr }) => ({ code, stderr })),
    Array.from({ length: 2 }, () => ({ code: 0, stderr: '' })),
  )
  t.match(shown.people, /^\d\d:\d\d:\d\d \+ links {6}here down bridge mtu 1500$/m)
  t.match(shown.people, /^\d\d:\d\d:\d\d \+ addresses {2}10.9.0.2\/24 .* dev here$/m)
  t.match(shown.people, /^\d\d:\d\d:\d\d - links {6}here /m)
  t.match(shown.people, /^\d\d:\d\d:\d\d - links {6}port port of here$/m)
  t.match(shown.people, /^\d\d:\d\d:\d\d \+ neighbours fdb 02:00:00:00:00:02 dev port$/m)
  t.notMatch(shown.people, 'undefined')
  const events = shown.programs
    .trim()
    .split('\n')
    .map(line => JSON.parse(line, jsonReviver) as { event: string; object: { name: string } })
    .filter(({ object }) => object.name === 'here')
    .map(({ event }) => event)
  t.strictSame([...new Set(events)], ['new', 'delete'])
})
