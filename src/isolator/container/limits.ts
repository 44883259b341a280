import { refuseKernelWithoutLimits } from '../kernel/kernel-requirements.js'
import { ownRateLimit } from '../options/rate-options.js'
import type { IsolateOptions, IsolatorOptions, UpdateOptions } from '../options/options.js'
import type { ContainerFacts } from '../plan/facts.js'
import {
  limits,
  rateLimitFor,
  settleRatePolicy,
  type RateLimit,
  type RatePolicy,
} from '../options/rate-limit.js'

type Limits = Pick<ContainerFacts, 'egress' | 'ingress'>

/** What each container may send and receive, by the isolator's options and its own. */
export class ContainerLimits {
  readonly #egress: RatePolicy
  readonly #ingress: RatePolicy
  readonly #linkSpeed: number | undefined
  readonly #isolateExisting: boolean
  readonly #enforced: boolean
  readonly #bloatReduction: IsolatorOptions['bloatReduction']
  /** Whether the kernel is known to have what limits need: with limits in the options, `create()` has asked. */
  #kernelHasThem: boolean

  /**
   * @param linkSpeed what the public interface says its speed is, bytes per second
   * @throws IsolatorError ERR_INVALID_OPTION for rates above it, and for `'auto'` where it is unknown
   */
  constructor(options: IsolatorOptions, linkSpeed: number | undefined) {
    this.#linkSpeed = options.networkLinkSpeed ?? linkSpeed
    const host = { linkSpeed: this.#linkSpeed, cpus: options.cpus }
    this.#egress = settleRatePolicy(options.egress, host)
    this.#ingress = settleRatePolicy(options.ingress, host)
    this.#enforced = options.egressEnforcement === 'host'
    this.#isolateExisting = options.ingressIsolateExistingContainers
    this.#bloatReduction = options.bloatReduction
    this.#kernelHasThem = limits(this.#egress) || limits(this.#ingress)
  }

  /**
   * Limits can come with a call alone: whether the kernel has what they need is asked with the first one.
   *
   * @throws IsolatorError ERR_KERNEL_UNSUPPORTED where one of these has a limit that this kernel cannot hold it to
   */
  async refuseUnfitKernel(wanted: readonly Limits[]): Promise<void> {
    if (this.#kernelHasThem || !wanted.some(({ egress, ingress }) => egress ?? ingress)) return
    await refuseKernelWithoutLimits(this.#bloatReduction)
    this.#kernelHasThem = true
  }

  /** The limits of a new container. */
  ofNew(options: IsolateOptions): Limits & Pick<ContainerFacts, 'enforced'> {
    const { cpus = 0 } = options
    return {
      ...(this.#enforced && { enforced: true }),
      egress: ownRateLimit('egress', options, this.#linkSpeed) ?? rateLimitFor(this.#egress, cpus),
      ingress: ownRateLimit('ingress', options, this.#linkSpeed) ?? rateLimitFor(this.#ingress, cpus),
    }
  }

  /**
   * The limits of a container after an update. Where the options say so, one that receives without limit goes on so when
   * ingress limits have been turned on: ECN, by which they slow senders down, is agreed on when a connection begins.
   */
  ofUpdated({ egress, ingress }: Limits, options: UpdateOptions): Limits {
    const { cpus } = options
    const anew = (policy: RatePolicy, now: RateLimit | undefined): RateLimit | undefined =>
      cpus === undefined ? now : rateLimitFor(policy, cpus)
    const mayChange = ingress !== undefined || this.#isolateExisting
    return {
      egress: ownRateLimit('egress', options, this.#linkSpeed) ?? anew(this.#egress, egress),
      ingress:
        ownRateLimit('ingress', options, this.#linkSpeed) ??
        (mayChange ? anew(this.#ingress, ingress) : undefined),
    }
  }
}
