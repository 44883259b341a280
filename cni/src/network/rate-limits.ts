import type { IsolateOptions } from 'rtnetlink'
import type { Bandwidth } from './runtime-config.js'

/** What a burst goes at: faster than every link. */
const UNBOUNDED = 10 ** 12 - 1
/** The most that the isolator takes: 274 s of any rate are less, which is what the kernel keeps. */
const LARGEST_BURST = 0xffff_ffff

/** What is left out has no limit. */
type Limits = Pick<
  IsolateOptions,
  | 'egressRateLimit'
  | 'egressCeilLimit'
  | 'egressBurst'
  | 'ingressRateLimit'
  | 'ingressCeilLimit'
  | 'ingressBurst'
>

/** The limits that a runtime asks for, in bits, as the isolator takes them, in bytes. A rate of 0 is none. */
export function rateLimits({
  ingressRate = 0,
  ingressBurst = 0,
  egressRate = 0,
  egressBurst = 0,
}: Bandwidth = {}): Limits {
  return {
    ...(egressRate > 0 && { egressRateLimit: bytes(egressRate) }),
    ...(egressRate > 0 &&
      egressBurst > 0 && {
        egressCeilLimit: UNBOUNDED,
        egressBurst: Math.min(bytes(egressBurst), LARGEST_BURST),
      }),
    ...(ingressRate > 0 && { ingressRateLimit: bytes(ingressRate) }),
    ...(ingressRate > 0 &&
      ingressBurst > 0 && {
        ingressCeilLimit: UNBOUNDED,
        ingressBurst: Math.min(bytes(ingressBurst), LARGEST_BURST),
      }),
  }
}

/** At least one, which fewer than 8 bits would not be. */
const bytes = (bits: number): number => Math.max(1, Math.floor(bits / 8))
