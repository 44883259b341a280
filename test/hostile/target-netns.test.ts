/**
 * A request can name another network namespace by its id, and the kernel then asks for a capability in the user namespace
 * that owns the other one (rtnl_get_net_ns_capable, net/core/rtnetlink.c). A container's namespace knows the host's as that
 * of its link's other end. What docs/security.md says of it is tested here, in both directions.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import t from 'tap'
import { ip, ipJson, run } from '../helpers/iproute2.js'
import { needsIsolation, preparedTopology } from '../isolator/isolated-topology.js'

/** Lists links, which gives the host's namespace the id 0, then asks for a link to be deleted there; prints the errno. */
const DELETE = `
import socket, struct, sys
s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
s.bind((0, 0))
RTM_DELLINK, RTM_GETLINK, REQUEST, ACK, DUMP = 17, 18, 1, 4, 0x300
IFLA_IFNAME, IFLA_TARGET_NETNSID = 3, 46
def attribute(type, data):
    return struct.pack('HH', 4 + len(data), type) + data + b'\\0' * (-len(data) % 4)
def send(type, flags, attributes=b''):
    body = struct.pack('BxHiII', 0, 0, 0, 0, 0) + attributes
    s.send(struct.pack('IHHII', 16 + len(body), type, flags, 1, 0) + body)
send(RTM_GETLINK, REQUEST | DUMP)
while struct.unpack_from('H', s.recv(65536), 4)[0] != 3: pass
send(RTM_DELLINK, REQUEST | ACK, attribute(IFLA_TARGET_NETNSID, struct.pack('i', 0)) + attribute(IFLA_IFNAME, b'victim\\0'))
print(struct.unpack_from('i', s.recv(65536), 16)[0])
`

const EACCES = -13

t.test('links of the host, from inside a container', needsIsolation(), async t => {
  const { isolator, host } = await preparedTopology(t, { containers: 0 })
  await ip(host.name, 'link add victim type veth peer name victim1')
  const victims = async (): Promise<number> =>
    (await ipJson(host.name, 'link show')).filter(({ ifname }) => ifname === 'victim').length

  /** What the kernel answers to root in a container whose process `unshare` starts. */
  async function answerTo(id: string, ...unshare: string[]): Promise<number> {
    const child = spawn('unshare', [...unshare, 'sh', '-c', 'echo; exec sleep 100'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    t.teardown(() => child.kill('SIGKILL'))
    await once(child.stdout, 'data')
    const pid = `${child.pid}`
    await isolator.isolate(id, { netns: child.pid! })
    const user = unshare.includes('--user') ? ['--user', '--preserve-credentials'] : []
    return Number(await run('nsenter', ['-t', pid, '--net', ...user, 'python3', '-c', DELETE]))
  }

  t.equal(
    await answerTo('own-user', '--net', '--user', '--map-root-user'),
    EACCES,
    'in a user namespace of its own',
  )
  t.equal(await victims(), 1)
  t.equal(await answerTo('host-user', '--net'), 0, 'with CAP_NET_ADMIN in the user namespace of the host')
  t.equal(await victims(), 0, 'control: this is what a user namespace keeps')
})
