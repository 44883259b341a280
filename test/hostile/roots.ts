import { ip, ipBatch, runIn, tc } from '../helpers/iproute2.js'
import { macOption } from '../helpers/packets6.js'
import { HOST_MAC, REMOTE_IP, REMOTE_MAC, WIRE, type NamespaceRef } from '../helpers/topology.js'
import { udpEcho, udpExchange } from '../helpers/udp-traffic.js'
import { REMOTE_LINK_LOCAL } from '../isolator/inet6-topology.js'
import { MOMENT, received, sendFrom } from './acts.js'
import type { Check, Group } from './check.js'
import { INET, INET6, twins, type Family } from './family.js'
import { arpOf, FOREIGN, OWN, type Frame } from './frames.js'
import { NEIGHBOUR6, solicitation6 } from './frames6.js'
import { headers6 } from './headers6.js'
import { icmps6 } from './icmp6.js'
import { links } from './links.js'
import { links6 } from './links6.js'
import { local } from './local.js'
import { local6 } from './local6.js'
import { neighbours6 } from './neighbours6.js'
import { ports, ports6 } from './ports.js'
import { routers6 } from './routers6.js'
import type { World } from './world.js'

/** Where in an Ethernet frame the source address of IPv6 is. */
const IPV6_SOURCE = 14 + 8

/** What gets through of all that must not. */
async function passing(world: World, groups: readonly Group[]): Promise<string | undefined> {
  const blocked = groups.flatMap(({ checks }) => checks.filter(check => 'never' in check))
  const wrong = [...(await world.judge(blocked))].filter(([, verdict]) => verdict !== undefined)
  return wrong.length > 0 ? `${wrong.length} get through: ${wrong.map(([id]) => id).join(' ')}` : undefined
}

interface Inside {
  /** On the host's prefix, and nobody's. */
  readonly neighbour: string
  /** Behind an address that is alone. */
  readonly length: '/32' | '/128'
  readonly gateway: string
  /** For the gateway, in the name of a machine with another MAC. */
  readonly question: (mac: string) => Frame
  /** Settings that would open a machine to others. */
  readonly hostile: readonly string[]
  /** What must not pass whatever is set inside. */
  readonly attacks: readonly Group[]
}

/** What root does that leaves the container as it was, and what breaks it: of both families. */
function rootsOf(inside: Family & Inside): { harmless: Check[]; breaking: Check[] } {
  const { any, elsewhere, ported, neighbour, length, gateway, question, hostile, attacks, ...family } = inside
  const own = (address: string): string => address + length
  const nodad = length === '/128' ? ' nodad' : ''
  /** Not a question, whose answer would not come back, keeps a forged datagram from going out. */
  const gatewayIsKnown = `neigh replace ${gateway} lladdr ${REMOTE_MAC} dev ${WIRE} nud permanent`
  const harmless: Check[] = [
    {
      id: 'X01',
      rule: 'an address of its own choice',
      control: 'open',
      run: async ({ remote, c1 }) => {
        await ipBatch(c1.name, [`addr add ${own(neighbour)} dev ${WIRE}${nodad}`, gatewayIsKnown])
        const messages = await received(
          remote,
          53,
          () => sendFrom(c1, neighbour, OWN, [family.remote, 53]),
          any,
        )
        await ip(c1.name, `addr del ${own(neighbour)} dev ${WIRE}`)
        return messages.length > 0 ? 'the remote hears it' : undefined
      },
    },
    {
      id: 'X02',
      rule: 'a MAC address of its own choice',
      control: 'open',
      run: async ({ remote, c1 }) => {
        await ipBatch(c1.name, [`link set ${WIRE} address 02:00:0a:09:00:66`, gatewayIsKnown])
        const messages = await received(
          remote,
          53,
          () => sendFrom(c1, family.host, OWN, [family.remote, 53]),
          any,
        )
        await ip(c1.name, `link set ${WIRE} address ${HOST_MAC}`)
        return messages.length > 0 ? 'the remote hears it' : undefined
      },
    },
    {
      id: 'X03',
      rule: 'an address of nobody on its lo, to the host',
      control: 'open',
      run: async ({ host, c1 }) => {
        await ip(c1.name, `addr add ${own(elsewhere)} dev lo${nodad}`)
        const messages = await received(host, 80, () => sendFrom(c1, elsewhere, OWN, [family.host, 80]), any)
        await ip(c1.name, `addr del ${own(elsewhere)} dev lo`)
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
        await socket.send(question(mac)(mark))
        const seen = await wire.next(({ bytes }) => bytes.includes(mark), MOMENT)
        await Promise.all([wire.close(), socket.close()])
        await ip(c1.name, 'link del mv0')
        return seen ? 'it asks on the wire' : undefined
      },
    },
  ]
  const breaking: Check[] = [
    {
      id: 'X07',
      rule: 'all filters inside removed, forwarding and every redirect on, then all of before again',
      control: 'open',
      run: async world => {
        const { c1 } = world
        await tc(c1.name, 'qdisc del dev lo ingress')
        await tc(c1.name, `qdisc del dev ${WIRE} ingress`)
        await runIn(c1.path, 'sysctl', '-qw', ...hostile)
        return passing(world, attacks)
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
          ported({ sourcePort: 31_600, source: elsewhere })(forged),
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
            [remote, c2, family.host, FOREIGN],
            [host, c2, family.loopback, FOREIGN + 1],
            [c1, remote, family.remote, 53],
          ].map(async ([from, to, address, port]) => {
            await using _server = await udpEcho(to as NamespaceRef, any, port as number)
            return await udpExchange(from as NamespaceRef, address as string, port as number, patience)
          }),
        )
        return outcomes.every(outcome => outcome === 'answered') ? undefined : outcomes.join(', ')
      },
    },
  ]
  return { harmless, breaking }
}

const inet = rootsOf({
  ...INET,
  neighbour: '10.9.0.77',
  length: '/32',
  gateway: REMOTE_IP,
  question: mac => arpOf({ mac, senderMac: mac, senderIp: '10.9.0.78' }),
  hostile: ['ip_forward', 'conf.all.accept_redirects', 'conf.all.send_redirects', 'conf.all.proxy_arp'].map(
    name => `net.ipv4.${name}=1`,
  ),
  attacks: [links, ports, local],
})
const inet6 = rootsOf({
  ...INET6,
  neighbour: NEIGHBOUR6,
  length: '/128',
  gateway: REMOTE_LINK_LOCAL,
  question: mac => solicitation6({ mac, source: NEIGHBOUR6, options: macOption(1, mac) }),
  hostile: Object.entries({
    ...{ forwarding: 1, accept_ra: 2, accept_redirects: 1, accept_source_route: 1, proxy_ndp: 1 },
    ...{ addr_gen_mode: 0, autoconf: 1, ndisc_notify: 1, dad_transmits: 3, use_tempaddr: 2 },
  }).flatMap(([name, value]) => ['all', WIRE].map(dev => `net.ipv6.conf.${dev}.${name}=${value}`)),
  attacks: [links6, neighbours6, routers6, ports6, headers6, icmps6, local6],
})

/** Root inside a container rewrites what it has. The last ones break it, so they come last. */
export const roots: Group = {
  name: 'Root in a container',
  checks: [
    ...inet.harmless,
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
    ...inet.breaking,
  ],
}

/** The same with IPv6. */
export const roots6: Group = {
  name: 'Root in a container, IPv6',
  checks: [
    ...twins(inet6.harmless),
    ...twins(inet6.breaking),
    {
      id: 'X09',
      rule: 'IPv6 switched off inside: nothing more passes, and IPv4 goes on',
      control: 'open',
      run: async world => {
        const { c1, remote, patience } = world
        const switched = (value: 0 | 1): Promise<string> =>
          runIn(c1.path, 'sysctl', '-qw', `net.ipv6.conf.all.disable_ipv6=${value}`)
        await switched(1)
        const wrong = await passing(world, [links6, ports6, local6])
        await using _server = await udpEcho(remote, INET.any, 53)
        const outcome = await udpExchange(c1, REMOTE_IP, 53, patience)
        await switched(0)
        return wrong ?? (outcome === 'answered' ? undefined : `IPv4: ${outcome}`)
      },
    },
  ],
}
