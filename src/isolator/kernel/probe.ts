import { NetworkNamespace, type NetnsReference } from '../../netns/network-namespace.js'
import { RtnetlinkSocket } from '../../rtnetlink-socket.js'
import { gact, mirred } from '../../tc/index.js'
import { dropAll } from '../programs/drop-all.js'
import { isExhaustion } from './exhaustion.js'
import { openHost } from './open-netns.js'
import { isRefusal, notPermitted, refusalOf, refusalsOn } from './rights.js'

/** Something the layout or one of its options is made of. */
interface FeatureTrial {
  /** The kernel configuration that provides it. */
  readonly kernelOption: string
  /** The module that has it, where it is not built in. */
  readonly module: string
  /** What needs it. */
  readonly neededFor: string
  /** Uses it; whatever this throws is the reason for its absence. Runs with a veth pair `a`, `b` and an ingress qdisc on `a`. */
  readonly try: (rt: RtnetlinkSocket) => Promise<void>
}

const filterOnA = { dev: 'a', parent: 'ingress', protocol: 'all' } as const

/** In this order: the later ones stand on the first two. */
const TRIALS = {
  veth: {
    kernelOption: 'CONFIG_VETH',
    module: 'veth',
    neededFor: 'the link of every container',
    try: rt => rt.links.add({ name: 'a', kind: 'veth', peer: { name: 'b' } }),
  },
  ingress: {
    kernelOption: 'CONFIG_NET_SCH_INGRESS',
    module: 'sch_ingress',
    neededFor: 'filters on arriving packets',
    try: rt => rt.qdiscs.add({ dev: 'a', kind: 'ingress' }),
  },
  u32: {
    kernelOption: 'CONFIG_NET_CLS_U32',
    module: 'cls_u32',
    neededFor: 'steering by port',
    try: rt => rt.filters.add({ ...filterOnA, priority: 1, kind: 'u32', handle: '1:', divisor: 256 }),
  },
  bpf: {
    kernelOption: 'CONFIG_NET_CLS_BPF',
    module: 'cls_bpf',
    neededFor: 'the guard on every container',
    try: rt =>
      rt.filters.add({
        ...filterOnA,
        priority: 2,
        kind: 'bpf',
        handle: 1,
        program: dropAll,
        directAction: true,
      }),
  },
  mirred: {
    kernelOption: 'CONFIG_NET_ACT_MIRRED',
    module: 'act_mirred',
    neededFor: 'redirecting packets',
    try: rt =>
      rt.filters.add({
        ...filterOnA,
        priority: 3,
        kind: 'bpf',
        handle: 1,
        program: dropAll,
        actions: [mirred.redirect('b')],
      }),
  },
  bridge: {
    kernelOption: 'CONFIG_BRIDGE',
    module: 'bridge',
    neededFor: 'keeping out of the host what root in a container has led past the filters by an ifb',
    try: async rt => {
      const bridgePort = { groupFwdMask: 0xfffd }
      await rt.links.add({ name: 'c', kind: 'bridge' })
      await rt.links.change({ dev: 'b', master: 'c' })
      await rt.links.change({ dev: 'b', bridgePort })
      const { bridgePort: found } = await rt.links.get('b')
      if (found?.groupFwdMask !== bridgePort.groupFwdMask)
        throw new Error('its ports have no group_fwd_mask, which Linux 4.15 brought')
    },
  },
  gact: {
    kernelOption: 'CONFIG_NET_ACT_GACT',
    module: 'act_gact',
    neededFor: 'nothing; verdicts as actions',
    try: rt =>
      rt.filters.add({
        ...filterOnA,
        priority: 4,
        kind: 'bpf',
        handle: 1,
        program: dropAll,
        actions: [gact.drop()],
      }),
  },
  htb: {
    kernelOption: 'CONFIG_NET_SCH_HTB',
    module: 'sch_htb',
    neededFor: 'the limit of answers that every container gets a copy of, and rate limits',
    try: rt => rt.qdiscs.add({ dev: 'b', parent: 'root', handle: '1:', kind: 'htb' }),
  },
  fq_codel: {
    kernelOption: 'CONFIG_NET_SCH_FQ_CODEL',
    module: 'sch_fq_codel',
    neededFor: "bloatReduction: 'fq_codel' and egressUniqueFlowPerContainer",
    try: rt => rt.qdiscs.replace({ dev: 'b', parent: 'root', handle: '2:', kind: 'fq_codel' }),
  },
} satisfies Record<string, FeatureTrial>

/** One feature of the kernel. */
export interface KernelFeature {
  readonly available: boolean
  readonly kernelOption: string
  readonly module: string
  readonly neededFor: string
  /** Why not, in the kernel's words. */
  readonly reason?: string
}

export type FeatureName = keyof typeof TRIALS

export type KernelFeatures = Readonly<Record<FeatureName, KernelFeature>>

/**
 * Tries features, all by default, in a namespace made for the purpose, which is gone afterwards. Module loading happens as
 * it would in use.
 *
 * @throws IsolatorError ERR_NOT_PERMITTED where a right is missing: nothing is known of the kernel then; SystemError `EMFILE`,
 *   `ENOBUFS` or the like where a feature could not be tried
 */
export async function tryFeatures<Name extends FeatureName = FeatureName>(
  names: readonly Name[] = Object.keys(TRIALS) as Name[],
): Promise<Readonly<Record<Name, KernelFeature>>> {
  await using netns = await makeNamespace()
  await using rt = await RtnetlinkSocket.open({ netns })
  const features: Record<string, KernelFeature> = {}
  for (const [name, trial] of Object.entries<FeatureTrial>(TRIALS)) {
    if (names.includes(name as Name)) features[name] = await tryOut(rt, trial)
  }
  return features as Record<Name, KernelFeature>
}

/**
 * Tries all features, once it is known that the process has the rights to.
 *
 * @param reference the host's namespace, where the rights are needed; default: the caller's
 * @throws IsolatorError ERR_NOT_PERMITTED naming every right that is missing
 */
export async function probe(reference: NetnsReference | undefined): Promise<KernelFeatures> {
  await using host = openHost(reference)
  const refusals = await refusalsOn(host)
  if (refusals.length === 0) return tryFeatures()
  const making = await refusalOf(MAKING, async () => {
    ;(await NetworkNamespace.create()).close()
  })
  throw notPermitted([...refusals, ...making])
}

const MAKING = 'make network namespaces'

async function makeNamespace(): Promise<NetworkNamespace> {
  try {
    return await NetworkNamespace.create()
  } catch (error) {
    throw isRefusal(error) ? notPermitted([{ what: MAKING, error }]) : error
  }
}

async function tryOut(rt: RtnetlinkSocket, trial: FeatureTrial): Promise<KernelFeature> {
  const { kernelOption, module, neededFor } = trial
  try {
    await trial.try(rt)
    return { available: true, kernelOption, module, neededFor }
  } catch (error) {
    if (isExhaustion(error)) throw error
    if (isRefusal(error)) throw notPermitted([{ what: 'change links and filters', error }])
    return { available: false, kernelOption, module, neededFor, reason: (error as Error).message }
  }
}
