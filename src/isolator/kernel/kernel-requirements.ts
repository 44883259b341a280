import { IsolatorError } from '../isolator-error.js'
import type { IsolatorOptions } from '../options/options.js'
import { tryFeatures, type FeatureName, type KernelFeatures } from './probe.js'
import { limits } from '../options/rate-limit.js'

/** What the layout stands on whatever the options. */
const ALWAYS: readonly FeatureName[] = ['veth', 'ingress', 'u32', 'bpf', 'mirred', 'htb']

/** What else there is to do about a feature that is missing but to get another kernel. */
const WAYS_OUT: Partial<Record<FeatureName, string>> = {
  fq_codel: "or create the isolator with bloatReduction: 'none' and without egressUniqueFlowPerContainer",
  bridge: "or accept that root in a container can reach the host's stack, with withoutBridge: 'accept'",
}

type Needs = Pick<IsolatorOptions, 'egress' | 'ingress' | 'bloatReduction' | 'flowParent' | 'withoutBridge'>

/** The features that an isolator with these options needs. */
function requiredFeatures({
  egress,
  ingress,
  bloatReduction,
  flowParent,
  withoutBridge,
}: Needs): FeatureName[] {
  const limited = limits(egress) || limits(ingress) ? featuresOfLimits(bloatReduction) : []
  const bridge = withoutBridge === 'refuse' ? (['bridge'] as const) : []
  return [
    ...new Set([
      ...ALWAYS,
      ...bridge,
      ...limited,
      ...(flowParent === undefined ? [] : (['fq_codel'] as const)),
    ]),
  ]
}

const featuresOfLimits = (bloatReduction: IsolatorOptions['bloatReduction']): FeatureName[] =>
  bloatReduction === 'fq_codel' ? ['htb', 'fq_codel'] : ['htb']

/**
 * Refuses a kernel that lacks something that the options need, tried out in a namespace of its own.
 *
 * @returns whether it has bridges, which the options may do without
 * @throws IsolatorError ERR_KERNEL_UNSUPPORTED naming the feature, its kernel option and the way out
 */
export async function refuseUnfitKernel(options: Needs): Promise<{ bridged: boolean }> {
  const required = requiredFeatures(options)
  const features = await tryFeatures([...new Set<FeatureName>([...required, 'bridge'])])
  refuseMissing(required, features)
  return { bridged: features.bridge.available }
}

/** The same for limits that only a container has, whatever the options. */
export const refuseKernelWithoutLimits = (bloatReduction: IsolatorOptions['bloatReduction']): Promise<void> =>
  refuseWithout([...ALWAYS, ...featuresOfLimits(bloatReduction)])

async function refuseWithout(names: readonly FeatureName[]): Promise<void> {
  refuseMissing(names, await tryFeatures(names))
}

function refuseMissing(names: readonly FeatureName[], features: Partial<KernelFeatures>): void {
  for (const name of names) {
    const feature = features[name]
    if (!feature || feature.available) continue
    const { kernelOption, module, neededFor, reason } = feature
    const wayOut = WAYS_OUT[name]
    throw new IsolatorError(
      'ERR_KERNEL_UNSUPPORTED',
      `this kernel has no ${name} (${kernelOption}), which is needed for ${neededFor}: ${reason?.split('\n')[0]}. ` +
        `Load it (modprobe ${module})${wayOut === undefined ? ', or use a kernel that has it' : `, ${wayOut}`}`,
      { details: { feature: name, kernelOption, reason } },
    )
  }
}
