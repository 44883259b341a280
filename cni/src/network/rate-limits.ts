import type { IsolateOptions } from 'rtnetlink'
import type { Bandwidth } from './runtime-config.js'

/** What is left out has no limit. */
type Limits = Pick<IsolateOptions, 'egressRateLimit' | 'ingressRateLimit'>

/** The limits that a runtime asks for, in bits, as the isolator takes them, in bytes. 0 is none. */
export function rateLimits({ ingressRate = 0, egressRate = 0 }: Bandwidth = {}): Limits {
  return {
    ...(egressRate > 0 && { egressRateLimit: bytes(egressRate) }),
    ...(ingressRate > 0 && { ingressRateLimit: bytes(ingressRate) }),
  }
}

/** At least one, which fewer than 8 bits would not be. */
const bytes = (bits: number): number => Math.max(1, Math.floor(bits / 8))
