import { input } from 'rtnetlink'
import { isObject, withNamesAs } from './go-json.js'

const { list, namesOf, object, oneOf, optional, scalar, text, whole } = input

/** The annotation, of a pod or of an OCI bundle, that asks for ports. */
export const PORTS_ANNOTATION = 'rtnetlink.ports'

const port = whole(0, 65535, 'a port')

const portMapping = object({
  /** The port of the host. 0, or none: the port is not published. */
  hostPort: optional(port),
  containerPort: port,
  /** A container's ports are its own in each of these, whichever is named. */
  protocol: optional(oneOf('tcp', 'udp', 'sctp', 'TCP', 'UDP', 'SCTP')),
  /** The host's address that the port is to be reached by. */
  hostIP: optional(text("an address, '' for all")),
})

export type PortMapping = input.InputOf<typeof portMapping>

/** Go has 64 bits for it, JSON.parse 53. */
const bits = scalar<number>(
  'a whole number of bits, 0 or more',
  value => typeof value === 'number' && value >= 0 && Number.isInteger(value),
)

const bandwidth = object({
  /** What the container may receive: bits per second. 0: no limit. */
  ingressRate: optional(bits),
  /** How much of that it may receive faster, after a pause: bits. */
  ingressBurst: optional(bits),
  /** What it may send. */
  egressRate: optional(bits),
  egressBurst: optional(bits),
})

export type Bandwidth = input.InputOf<typeof bandwidth>

const annotations = scalar<Readonly<Record<string, string>>>(
  'an object whose members are text',
  value => isObject(value) && Object.values(value).every(member => typeof member === 'string'),
)

export const runtimeConfig = object({
  portMappings: optional(list(portMapping)),
  /** More ports: `'31000-31007,31100'`. */
  portRanges: optional(text("ranges such as '31000-31007'")),
  bandwidth: optional(bandwidth),
  ips: optional(list(text('an address, with or without the length of its prefix'))),
  'io.kubernetes.cri.pod-annotations': optional(annotations),
})

/** What a runtime adds to the configuration, for one container, by the capabilities that the configuration declares. */
export type RuntimeConfig = input.InputOf<typeof runtimeConfig>

/** The same with the names that we know, where a runtime in Go has written them in capitals. */
export function withKnownNames(given: unknown): unknown {
  const config = withNamesAs(namesOf(runtimeConfig), given)
  if (!isObject(config)) return config
  const { portMappings, bandwidth: limits } = config
  return {
    ...config,
    ...(Array.isArray(portMappings) && {
      portMappings: portMappings.map(mapping => withNamesAs(namesOf(portMapping), mapping)),
    }),
    ...(limits !== undefined && { bandwidth: withNamesAs(namesOf(bandwidth), limits) }),
  }
}
