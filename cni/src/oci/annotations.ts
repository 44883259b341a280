import type { JsonObject } from '../network/go-json.js'
import { PORTS_ANNOTATION } from '../network/runtime-config.js'
import { CniError, CODE } from '../spec/cni-error.js'

/** Annotations that ask for a limit, and what that is in the capability `bandwidth`: bits per second. */
const RATES = {
  'rtnetlink.ingress-rate': 'ingressRate',
  'rtnetlink.egress-rate': 'egressRate',
} as const

const PREFIX = 'rtnetlink.'

/**
 * What a bundle's annotations ask for, as a runtime of CNI would say it.
 *
 * @throws CniError 7 for a rate that is no number, or one of our annotations that does not exist
 */
export function runtimeConfigOf(annotations: JsonObject): JsonObject {
  const unknown = Object.keys(annotations).find(
    name => name.startsWith(PREFIX) && name !== PORTS_ANNOTATION && !(name in RATES),
  )
  if (unknown !== undefined)
    throw new CniError(
      CODE.invalidConfiguration,
      `there is no annotation ${unknown}: expected one of ${[PORTS_ANNOTATION, ...Object.keys(RATES)].join(', ')}`,
    )
  const ports = annotations[PORTS_ANNOTATION]
  const rates = Object.entries(RATES).flatMap(([name, key]) =>
    annotations[name] === undefined ? [] : [[key, bits(name, annotations[name])]],
  )
  return {
    ...(ports !== undefined && { 'io.kubernetes.cri.pod-annotations': { [PORTS_ANNOTATION]: ports } }),
    ...(rates.length > 0 && { bandwidth: Object.fromEntries(rates) as JsonObject }),
  }
}

function bits(name: string, value: unknown): number {
  if (typeof value === 'string' && /^\d{1,15}$/.test(value)) return Number(value)
  throw new CniError(
    CODE.invalidConfiguration,
    `the annotation ${name} is ${JSON.stringify(value)}: expected a whole number of bits per second`,
  )
}
