import { ip, ipBatch, runIn, tc } from '../helpers/iproute2.js'
import { HOST_IP, HOST_MAC, REMOTE_IP, REMOTE_MAC, WIRE, type NamespaceRef } from '../helpers/topology.js'
import { udpEcho, udpExchange } from '../helpers/udp-traffic.js'
import { ANY, MOMENT, received, sendFrom } from './acts.js'
import type { Group } from './check.js'
import { arpOf, ELSEWHERE, FOREIGN, OWN, ported } from './frames.js'
import { links } from './links.js'
import { local } from './local.js'
import { ports } from './ports.js'

/** Not a question, whose answer would not come back, keeps a forged datagram from going out. */
const GATEWAY_IS_KNOWN = `neigh replace ${REMOTE_IP} lladdr ${REMOTE_MAC} dev ${WIRE} nud permanent`

/** Where in an Ethernet frame the source address of IPv6 is. */
const IPV6_SOURCE = 14 + 8

/** Root inside a container rewrites what it has. The last ones break it, so they come last. */
export const roots: Group = {
  name: 'Root in a container',
  checks: [
    {
      id: 'X01',
      rule: 'an address of its own choice',
      control: 'open',
      run: async ({ remote, c1 }) => {
        await ipBatch(c1.name, [`addr add 10.9.0.77/32 dev ${WIRE}`, GATEWAY_IS_KNOWN])
        const messages = await received(remote, 53, () => sendFrom(c1, '10.9.0.77', OWN, [REMOTE_IP, 53]))
        await ip(c1.name, `addr del 10.9.0.77/32 dev ${WIRE}`)
        return messages.length > 0 ? 'the remote hears it' : undefined
      },
    },
    {
      id: 'X02',
      rule: 'a MAC address of its own choice',
      control: 'open',
      run: async ({ remote, c1 }) => {
        await ipBatch(c1.name, [`link set ${WIRE} address 02:00:0a:09:00:66`, GATEWAY_IS_KNOWN])
        const messages = await received(remote, 53, () => sendFrom(c1, HOST_IP, OWN, [REMOTE_IP, 53]))
        await ip(c1.name, `link set ${WIRE} address ${HOST_MAC}`)
        return messages.length > 0 ? 'the remote hears it' : undefined
      },
    },
    {
      id: 'X03',
      rule: 'an address of nobody on its lo, to the host',
      control: 'open',
      run: async ({ host, c1 }) => {
        await ip(c1.name, `addr add ${ELSEWHERE}/32 dev lo`)
        const messages = await received(host, 80, () => sendFrom(c1, ELSEWHERE, OWN, [HOST_IP, 80]))
        await ip(c1.name, `addr del ${ELSEWHERE}/32 dev lo`)
        return messages.length > 0 ? 'the host hears it' : undefined
      },
    },
    {
      id: 'X04',
      rule: 'a larger MTU, and a frame as large',
      run: async ({ tool, remote, c1 }) => {
        await ip(c1.name, `link set ${WIRE} mtu 9000`)
        const wire = await tool.packetSocket({ netns: remote.path, device: WIRE })
        const inside = await tool.packetSocket({ netns: c1.path, device: WIRE, protocol: 0 })
        const send = (length: number): Promise<void> => inside.send(ported()(Buffer.alloc(length, 0x5a)))
        await send(4000).catch(() => undefined)
        await send(1400)
        const small = await wire.next(({ bytes }) => bytes.length > 1400, 2000)
        const large = await wire.next(({ bytes }) => bytes.length > 1518, MOMENT)
        await Promise.all([wire.close(), inside.close()])
        await ip(c1.name, `link set ${WIRE} mtu 1500`)
        if (large) return `a frame of ${large.bytes.length} bytes is on the wire`
        return small ? undefined : 'not even a small frame is'
      },
    },
    {
      id: 'X05',
      rule: 'a macvlan with a MAC of its own on its interface',
      control: 'open',
      run: async world => {
        const { tool, remote, c1 } = world
        const mac = '02:00:0a:09:00:67'
        const wire = await world.eth0(remote)
        await ipBatch(c1.name, [`link add mv0 link ${WIRE} address ${mac} type macvlan`, 'link set mv0 up'])
        const socket = await tool.packetSocket({ netns: c1.path, device: 'mv0', protocol: 0 })
        const mark = world.mark()
        await socket.send(arpOf({ mac, senderMac: mac, senderIp: '10.9.0.78' })(mark))
        const seen = await wire.next(({ bytes }) => bytes.includes(mark), MOMENT)
        await Promise.all([wire.close(), socket.close()])
        await ip(c1.name, 'link del mv0')
        return seen ? 'its ARP is on the wire' : undefined
      },
    },
    {
      id: 'X06',
      rule: 'IPv6 switched on: router solicitations and the like',
      control: 'open',
      run: async ({ tool, remote, c1 }) => {
        const wire = await tool.packetSocket({ netns: remote.path, device: WIRE, protocol: 0x86dd })
        await runIn(c1.path, 'sysctl', '-qw', 'net.ipv6.conf.all.disable_ipv6=0')
        await ip(c1.name, `-6 addr add 2001:db8::1/64 dev ${WIRE} nodad`)
        const socket = await tool.packetSocket({ netns: c1.path, device: WIRE, protocol: 0 })
        const frame = Buffer.alloc(80)
        frame.set(
          Buffer.from('333300000002' + HOST_MAC.replaceAll(':', '') + '86dd' + '6000000000103aff', 'hex'),
        )
        const address = Buffer.from('20010db8000000000000000000000001', 'hex')
        frame.set(address, IPV6_SOURCE)
        await socket.send(frame)
        // The host has the same MAC and may speak IPv6 itself.
        const seen = await wire.next(
          ({ bytes }) => bytes.subarray(IPV6_SOURCE, IPV6_SOURCE + address.length).equals(address),
          MOMENT,
        )
        await runIn(c1.path, 'sysctl', '-qw', 'net.ipv6.conf.all.disable_ipv6=1')
        await Promise.all([wire.close(), socket.close()])
        return seen ? 'IPv6 is on the wire' : undefined
      },
    },
    {
      id: 'X07',
      rule: 'all filters inside removed, forwarding and every redirect on, then all of before again',
      control: 'open',
      run: async world => {
        const { c1 } = world
        await tc(c1.name, 'qdisc del dev lo ingress')
        await tc(c1.name, `qdisc del dev ${WIRE} ingress`)
        await runIn(
          c1.path,
          'sysctl',
          '-qw',
          ...['ip_forward', 'conf.all.accept_redirects', 'conf.all.send_redirects', 'conf.all.proxy_arp'].map(
            name => `net.ipv4.${name}=1`,
          ),
        )
        const blocked = [links, ports, local].flatMap(({ checks }) =>
          checks.filter(check => 'never' in check),
        )
        const wrong = [...(await world.judge(blocked))].filter(([, verdict]) => verdict !== undefined)
        return wrong.length > 0
          ? `${wrong.length} get through: ${wrong.map(([id]) => id).join(' ')}`
          : undefined
      },
    },
    {
      id: 'X08',
      rule: 'its interface, moved into another namespace under another name',
      control: 'classic',
      run: async world => {
        const {
          tool,
          remote,
          spare: [one, other],
        } = world
        await world.add(one!, 31_600)
        await ip(one!.name, `link set ${WIRE} down`)
        await ip(one!.name, `link set ${WIRE} name evil`)
        await ip(one!.name, `link set evil netns ${other!.name}`)
        await ipBatch(other!.name, ['link set evil up'])
        const wire = await tool.packetSocket({ netns: remote.path, device: WIRE })
        const evil = await tool.packetSocket({ netns: other!.path, device: 'evil', protocol: 0 })
        const [forged, good] = [world.mark(), world.mark()]
        await evil.send(
          ported({ sourcePort: 31_600, source: ELSEWHERE })(forged),
          ported({ sourcePort: 31_600 })(good),
        )
        const passes = await wire.next(({ bytes }) => bytes.includes(good), 3000)
        const seen = await wire.next(({ bytes }) => bytes.includes(forged), MOMENT)
        await Promise.all([wire.close(), evil.close()])
        if (!passes) return 'not even what is its own passes'
        return seen ? 'it forges from there' : undefined
      },
    },
    {
      id: 'S4',
      rule: 'its interface deleted: the others go on',
      run: async ({ remote, host, c1, c2, spare: [, other], patience }) => {
        await ip(other!.name, 'link del evil')
        const outcomes = await Promise.all(
          [
            [remote, c2, HOST_IP, FOREIGN],
            [host, c2, '127.0.0.1', FOREIGN + 1],
            [c1, remote, REMOTE_IP, 53],
          ].map(async ([from, to, address, port]) => {
            await using _server = await udpEcho(to as NamespaceRef, ANY, port as number)
            return await udpExchange(from as NamespaceRef, address as string, port as number, patience)
          }),
        )
        return outcomes.every(outcome => outcome === 'answered') ? undefined : outcomes.join(', ')
      },
    },
  ],
}
