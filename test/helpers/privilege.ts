import { spawnSync } from 'node:child_process'

/** For tap's options: `t.test('…', hasQdisc('fq_codel'), async t => …)`. */
export interface Skip {
  /** Why the test cannot run here; false if it can. */
  skip: false | string
}

/** What `tc qdisc add dev lo` needs for kinds that have mandatory options or a place of their own. */
const QDISC_ARGUMENTS: Record<string, string> = {
  ingress: 'ingress',
  clsact: 'clsact',
  tbf: 'root tbf rate 1mbit burst 10kb latency 50ms',
  netem: 'root netem delay 1ms',
  cake: 'root cake unlimited',
}

/** What `tc filter add dev lo ingress` needs for a filter that matches something. */
const FILTER_ARGUMENTS: Record<string, string> = {
  u32: 'u32 match u32 0 0',
  bpf: "bpf bytecode '1,6 0 0 0'",
  fw: 'handle 1 fw',
  flow: 'handle 1 flow hash keys src',
  basic: 'basic classid 1:1',
  route: 'route from 1 classid 1:1',
}

const ACTION_ARGUMENTS: Record<string, string> = {
  mirred: 'mirred egress redirect dev lo',
  police: 'police rate 1mbit burst 10k',
  skbedit: 'skbedit priority 1',
  gact: 'gact drop',
}

const found = new Map<string, Skip>()

/** Runs a shell script once per process; it fails with what it printed as the reason. */
function probe(what: string, script: string): Skip {
  const known = found.get(what)
  if (known) return known
  const { status, stderr, error } = spawnSync('sh', ['-ec', script], { encoding: 'utf8' })
  const reason = error?.message ?? stderr.trim().split('\n')[0] ?? ''
  const skip: Skip = { skip: status === 0 ? false : `${what}: ${reason || `exit status ${status}`}` }
  found.set(what, skip)
  return skip
}

/** Tries something out in a namespace that goes with the process. */
function probeInScratchNamespace(what: string, script: string): Skip {
  const namespaces = canCreateNamespaces()
  return namespaces.skip === false
    ? probe(what, `exec unshare --net sh -ec '${script.replaceAll("'", `'\\''`)}'`)
    : namespaces
}

/** Network namespaces, with names in /run/netns. */
export function canCreateNamespaces(): Skip {
  const name = `tprobe${process.pid}`
  return probe('network namespaces', `ip netns add ${name}; ip netns del ${name}`)
}

export function hasQdisc(kind: string): Skip {
  return probeInScratchNamespace(
    `qdisc ${kind}`,
    `tc qdisc add dev lo ${QDISC_ARGUMENTS[kind] ?? `root ${kind}`}`,
  )
}

export function hasFilter(kind: string): Skip {
  return probeInScratchNamespace(
    `filter ${kind}`,
    `tc qdisc add dev lo ingress; tc filter add dev lo ingress protocol ip ${FILTER_ARGUMENTS[kind] ?? kind}`,
  )
}

/** Needs u32 too, which carries the action. */
export function hasAction(kind: string): Skip {
  const action = ACTION_ARGUMENTS[kind] ?? kind
  return probeInScratchNamespace(
    `action ${kind}`,
    `tc qdisc add dev lo ingress; tc filter add dev lo ingress protocol ip u32 match u32 0 0 action ${action}`,
  )
}

/** What `ip link add` needs for kinds that stand on another link. */
const LINK_ARGUMENTS: Record<string, string> = {
  vlan: 'link below probe type vlan id 5',
  macvlan: 'link below probe type macvlan',
}

/** A kind of link, such as `veth` or `dummy`. */
export function hasLink(kind: string): Skip {
  const added = LINK_ARGUMENTS[kind]
  const below = added === undefined ? '' : 'ip link add below type veth; '
  return probeInScratchNamespace(`link ${kind}`, `${below}ip link add ${added ?? `probe type ${kind}`}`)
}

/** A file under /proc/sys that a new network namespace has: `net/ipv4/tcp_rmem`. */
export function hasSysctl(path: string): Skip {
  return probeInScratchNamespace(`sysctl ${path}`, `cat /proc/sys/${path} > /dev/null`)
}

/** The first of these that stands in the way. */
export function allOf(...skips: Skip[]): Skip {
  return skips.find(({ skip }) => skip !== false) ?? { skip: false }
}
