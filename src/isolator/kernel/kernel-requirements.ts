import { IsolatorError } from '../isolator-error.js'
import type { IsolatorOptions } from '../options/options.js'
import { probe, type FeatureName } from './probe.js'
import { limits } from '../options/rate-limit.js'

/** What the layout stands on whatever the options. */
const ALWAYS: readonly FeatureName[] = ['veth', 'ingress', 'u32', 'bpf', 'mirred']

/** What else there is to do about a feature that is missing but to get another kernel. */
const WAYS_OUT: Partial<Record<FeatureName, string>> = {
  fq_codel: "or create the isolator with bloatReduction: 'none' and without egressUniqueFlowPerContainer",
  htb: 'or create the isolator without rate limits',
}

/** The features that an isolator with these options needs. */
function requiredFeatures({
  egress,
  ingress,
  bloatReduction,
  flowParent,
}: Pick<IsolatorOptions, 'egress' | 'ingress' | 'bloatReduction' | 'flowParent'>): FeatureName[] {
  const limited = limits(egress) || limits(ingress) ? featuresOfLimits(bloatReduction) : []
  return [...new Set([...ALWAYS, ...limited, ...(flowParent === undefined ? [] : (['fq_codel'] as const))])]
}

const featuresOfLimits = (bloatReduction: IsolatorOptions['bloatReduction']): FeatureName[] =>
  bloatReduction === 'fq_codel' ? ['htb', 'fq_codel'] : ['htb']

/**
 * Refuses a kernel that lacks something that the options need, tried out in a namespace of its own.
 *
 * @throws IsolatorError ERR_KERNEL_UNSUPPORTED naming the feature, its kernel option and the way out
 */
export const refuseUnfitKernel = (options: Parameters<typeof requiredFeatures>[0]): Promise<void> =>
  refuseWithout(requiredFeatures(options))

/** The same for limits that only a container has, whatever the options. */
export const refuseKernelWithoutLimits = (bloatReduction: IsolatorOptions['bloatReduction']): Promise<void> =>
  refuseWithout([...ALWAYS, ...featuresOfLimits(bloatReduction)])

async function refuseWithout(names: readonly FeatureName[]): Promise<void> {
  const features = await probe(names)
  for (const [name, { available, kernelOption, module, neededFor, reason }] of Object.entries(features)) {
    if (available) continue
    const wayOut = WAYS_OUT[name as FeatureName]
    throw new IsolatorError(
      'ERR_KERNEL_UNSUPPORTED',
      `this kernel has no ${name} (${kernelOption}), which is needed for ${neededFor}: ${reason?.split('\n')[0]}. ` +
        `Load it (modprobe ${module})${wayOut === undefined ? ', or use a kernel that has it' : `, ${wayOut}`}`,
      { details: { feature: name, kernelOption, reason } },
    )
  }
}
