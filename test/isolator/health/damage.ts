import type { Difference } from '../../../src/isolator/health/difference.js'
import { ip, run, runIn, tc, tcBatch } from '../../helpers/iproute2.js'
import type { twoContainers } from '../isolated-topology.js'

export type World = Awaited<ReturnType<typeof twoContainers>>

const STEERING = 'ingress prio 1020 protocol ip'
export const TRAP = "bpf bytecode '1,6 0 0 0'"

/** One object each, deleted or altered: what to do, and what verify() is to say of it. */
export interface Damage {
  what: string
  do: (world: World) => Promise<unknown>
  kind: 'missing' | 'different' | 'surplus'
  object: RegExp
  /** Not of the container but of the host. */
  host?: boolean
  /** Further objects that go with it. */
  more?: boolean
}

const onHost = (what: string, line: string, kind: Damage['kind'], object: RegExp, more = {}): Damage => ({
  what,
  do: ({ host }) => (line.startsWith('link') ? ip(host.name, line) : tcBatch(host.name, [line])),
  kind,
  object,
  ...more,
})

export const DAMAGE: readonly Damage[] = [
  onHost('the veth is down', 'link set pm1 down', 'different', /^ip link set dev pm1 up$/),
  onHost(
    'its MAC',
    'link set pm1 address 02:00:00:00:00:99',
    'different',
    /dev pm1 address 02:00:0a:09:00:02/,
  ),
  onHost('its MTU', 'link set pm1 mtu 1300', 'different', /dev pm1 mtu 1500/),
  onHost('its alias', 'link set pm1 alias other', 'different', /dev pm1 alias .*web-1 20480-21503/),
  onHost('its ARP', 'link set pm1 arp on', 'different', /dev pm1 arp off/),
  {
    what: 'a sysctl of the veth',
    do: ({ host }) => runIn(host.path, 'sysctl', '-qw', 'net.ipv4.conf.pm1.accept_local=1'),
    kind: 'different',
    object: /pm1.*accept_local/,
  },
  onHost('its qdisc', 'qdisc del dev pm1 ingress', 'missing', /^tc qdisc add dev pm1 ingress/, {
    more: true,
  }),
  onHost(
    'LOCAL',
    'filter del dev pm1 ingress prio 1000 protocol all handle 1 bpf',
    'missing',
    /dev pm1 .*dev lo/,
  ),
  onHost(
    'WIRE',
    'filter del dev pm1 ingress prio 1000 protocol all handle 2 bpf',
    'missing',
    /dev pm1 .*dev eth0/,
  ),
  onHost(
    'WIRE, another program',
    `filter replace dev pm1 ingress prio 1000 protocol all handle 2 ${TRAP} action mirred egress redirect dev eth0`,
    'different',
    /dev pm1 .*dev eth0/,
  ),
  onHost(
    'the drop',
    'filter del dev pm1 ingress prio 65535 protocol all handle 1 bpf',
    'missing',
    /pm1 .*65535/,
  ),
  onHost(
    'the drop, another program',
    `filter replace dev pm1 ingress prio 65535 protocol all handle 1 ${TRAP.replace('bpf', 'bpf da')}`,
    'different',
    /pm1 .*65535/,
  ),
  ...['lo', 'eth0'].flatMap(dev => [
    onHost(
      `a port node on ${dev}`,
      `filter del dev ${dev} ${STEERING} handle 11e:11:3 u32`,
      'missing',
      /11e:11:3/,
    ),
    onHost(
      `a quoted port node on ${dev}`,
      `filter del dev ${dev} ${STEERING} handle 21e:11:3 u32`,
      'missing',
      /21e:11:3/,
    ),
    onHost(
      `a surplus node on ${dev}`,
      `filter add dev ${dev} ${STEERING} handle 11e:13:2 u32 ht 11e:13: match u32 0x00007938 0x0000fff8 at 0 action mirred egress redirect dev pm1`,
      'surplus',
      /11e:13:2/,
    ),
    onHost(
      `a link of the skeleton on ${dev}`,
      `filter del dev ${dev} ${STEERING} handle 1:1e:800 u32`,
      'missing',
      /1:1e:800/,
      {
        host: true,
      },
    ),
    onHost(`a root on ${dev}`, `filter del dev ${dev} ${STEERING} handle 800::1 u32`, 'missing', /::1 /, {
      host: true,
    }),
    onHost(
      `the qdisc of ${dev}`,
      `qdisc del dev ${dev} ingress`,
      'missing',
      new RegExp(`qdisc add dev ${dev} ingress`),
      {
        host: true,
        more: true,
      },
    ),
  ]),
  {
    what: 'a node that leads elsewhere',
    do: ({ host }) =>
      tcBatch(host.name, [
        `filter del dev eth0 ${STEERING} handle 11e:11:3 u32`,
        `filter add dev eth0 ${STEERING} handle 11e:11:3 u32 ht 11e:11: match u32 0x00007918 0x0000fff8 at 0 action mirred egress redirect dev pm2`,
      ]),
    kind: 'different',
    object: /11e:11:3/,
  },
  {
    what: 'a table, with the links to it',
    do: async ({ host }) => {
      await tcBatch(host.name, [`filter del dev eth0 ${STEERING} handle 1:3f:800 u32`])
      for (let tries = 0; ; tries++) {
        try {
          await tc(host.name, `filter del dev eth0 ${STEERING} handle 13f: u32`)
          return
        } catch (error) {
          if (tries > 200) throw error
        }
      }
    },
    kind: 'missing',
    object: /13f: u32 divisor 64/,
    host: true,
    more: true,
  },
  onHost(
    'the mirror node',
    'filter del dev pmcopies ingress prio 1020 protocol all handle 3:0:1 u32',
    'missing',
    /3::1/,
  ),
  onHost(
    'a surplus mirror node',
    'filter add dev pmcopies ingress prio 1020 protocol all handle 3:0:7 u32 ht 3:0: match u32 0 0 at 0 action mirred egress mirror dev pm1 continue',
    'surplus',
    /3::7/,
  ),
  onHost(
    'a way to everyone',
    `filter del dev eth0 ${STEERING} handle 4:0:1 u32`,
    'missing',
    /4::1 .*pmanswers/,
    { host: true },
  ),
  onHost('the drop behind the copies', 'filter del dev pmcopies ingress prio 65535', 'missing', /pmcopies/, {
    host: true,
  }),
  onHost(
    'the limit of echo replies',
    'class change dev pmanswers parent 1: classid 1:2 htb rate 1gbit',
    'different',
    /dev pmanswers .*classid 1:2/,
    { host: true },
  ),
  onHost(
    'the queue of echo replies',
    'qdisc change dev pmanswers parent 1:2 handle 12: pfifo limit 1',
    'different',
    /dev pmanswers parent 1:2 /,
    { host: true },
  ),
  onHost(
    'who is ARP',
    'filter del dev pmanswers parent 1: prio 1020 protocol all handle 1 bpf',
    'missing',
    /classid 1:1/,
    {
      host: true,
    },
  ),
  onHost('the limits', 'qdisc del dev pmanswers root', 'missing', /dev pmanswers root/, {
    host: true,
    more: true,
  }),
  onHost('the martian drop', 'filter del dev eth0 ingress prio 1000', 'missing', /prio 1000/, { host: true }),
  onHost('the MAC of lo', 'link set lo address 02:00:00:00:00:77', 'different', /dev lo address/, {
    host: true,
  }),
  onHost('the MTU of lo', 'link set lo mtu 65536', 'different', /dev lo mtu/, { host: true }),
  onHost('lo is down', 'link set lo down', 'different', /dev lo up/, { host: true }),
  {
    what: 'a sysctl of lo',
    do: ({ host }) => runIn(host.path, 'sysctl', '-qw', 'net.ipv4.conf.lo.route_localnet=0'),
    kind: 'different',
    object: /lo.*route_localnet/,
    host: true,
  },
  {
    what: 'the record on lo',
    do: ({ host }) => run('ip', ['-n', host.name, 'link', 'set', 'lo', 'alias', '']),
    kind: 'different',
    object: /dev lo alias .*rtnetlink:/,
    host: true,
  },
  {
    what: 'the name of the namespace',
    do: () => run('ip', ['netns', 'delete', 'pm1']),
    kind: 'missing',
    object: /ip netns attach pm1/,
  },
  {
    what: 'the qdisc inside',
    do: ({ c1 }) => tc(c1.name, 'qdisc del dev eth0 ingress'),
    kind: 'missing',
    object: /qdisc add dev eth0 ingress/,
    more: true,
  },
  {
    what: 'the MTU inside',
    do: ({ c1 }) => ip(c1.name, 'link set eth0 mtu 1400'),
    kind: 'different',
    object: /dev eth0 mtu 1500/,
  },
  {
    what: 'a sysctl inside',
    do: ({ c1 }) => runIn(c1.path, 'sysctl', '-qw', 'net.ipv4.ip_local_port_range=30000 30100'),
    kind: 'different',
    object: /ip_local_port_range='20480 21503'/,
  },
]

/** What of `verify()` is that of one container: what belongs to it, and the bridge that it is in. */
export const partOf = (id: string, found: readonly Difference[]): Difference[] =>
  found.filter(difference => difference.id === id || (!difference.id && /\bpmb\d/.test(difference.object)))
