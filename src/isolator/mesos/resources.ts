import { PortRanges, type PortRange } from '../ports/port-ranges.js'
import { refuseFlag } from './arguments.js'

const FLAG = 'resources'

const EXPECTED = "expected 'ports:[31000-32000];ephemeral_ports:[32768-57344]', or the same as JSON"

/** What `--resources` offers, added up over roles. */
export interface MesosResources {
  /** Non-ephemeral ports: `ports`. */
  readonly ports: PortRanges
  /** Ephemeral ports: `ephemeral_ports`. */
  readonly ephemeralPorts: PortRanges
  /** What is a number: `cpus`, `mem` (MB), `disk` (MB), and others, by name. */
  readonly scalars: Readonly<Record<string, number>>
}

/** The value of one resource; sets are of no concern here. */
type Value = { readonly scalar: number } | { readonly ranges: PortRanges } | undefined

/**
 * Reads the value of `--resources`: `name(role):value;…`, where the role may be missing, or a JSON array of Resource
 * messages (mesos.proto).
 *
 * @throws IsolatorError ERR_INVALID_OPTION
 */
export function readResources(text: string): MesosResources {
  const scalars = new Map<string, number>()
  const ranges = new Map<string, PortRanges>()
  for (const [name, value] of text.trimStart().startsWith('[') ? jsonResources(text) : textResources(text)) {
    const isPorts = name === 'ports' || name === 'ephemeral_ports'
    if (isPorts && !(value && 'ranges' in value))
      throw refuse(name, `${name} must be ranges of ports, such as ${name}:[31000-32000]`)
    if (value && 'ranges' in value) ranges.set(name, value.ranges.union(ranges.get(name) ?? PortRanges.empty))
    else if (value) scalars.set(name, value.scalar + (scalars.get(name) ?? 0))
  }
  return {
    ports: ranges.get('ports') ?? PortRanges.empty,
    ephemeralPorts: ranges.get('ephemeral_ports') ?? PortRanges.empty,
    scalars: Object.fromEntries(scalars),
  }
}

function* textResources(text: string): Generator<[name: string, value: Value]> {
  for (const token of text.split(';').filter(token => token.trim() !== '')) {
    const [, name, value] = /^\s*([^\s:()]+)\s*(?:\([^()]*\)\s*)?:([^:]+)$/.exec(token) ?? []
    if (name === undefined || value === undefined)
      throw refuse(token, `'${token}' is not a resource: ${EXPECTED}`)
    yield [name, textValue(name, value.replaceAll(/\s/g, ''))]
  }
}

function textValue(name: string, text: string): Value {
  if (/^\[[^[\]]*\]$/.test(text)) return { ranges: PortRanges.from(text, `--${FLAG} ${name}`) }
  if (/^\{[^{}]*\}$/.test(text)) return undefined
  if (/^\d+(\.\d+)?$/.test(text)) return { scalar: Number(text) }
  throw refuse(text, `${name} is '${text}': expected a number, [ranges] or {a set}`)
}

function* jsonResources(text: string): Generator<[name: string, value: Value]> {
  for (const resource of jsonArray(text)) {
    const { name, type, scalar, ranges } = resource as JsonResource
    if (typeof name !== 'string')
      throw refuse(resource, `a resource has no name: ${JSON.stringify(resource)}`)
    yield [name, jsonValue(name, type, scalar?.value, ranges?.range)]
  }
}

/** The parts that count here; every one may be missing or wrong. */
interface JsonResource {
  readonly name?: unknown
  readonly type?: unknown
  readonly scalar?: { readonly value?: unknown }
  readonly ranges?: { readonly range?: unknown }
}

function jsonValue(name: string, type: unknown, scalar: unknown, ranges: unknown): Value {
  if (type === 'SET') return undefined
  if (type === 'SCALAR' && typeof scalar === 'number' && scalar >= 0) return { scalar }
  if (type === 'RANGES' && Array.isArray(ranges))
    return { ranges: PortRanges.from(ranges as PortRange[], `--${FLAG} ${name}`) }
  throw refuse(
    name,
    `${name} does not hold what its type ${String(type)} says: expected SCALAR with {"scalar":{"value":1}}, RANGES with {"ranges":{"range":[{"begin":1,"end":2}]}}, or SET`,
  )
}

function jsonArray(text: string): object[] {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw refuse(text, `it begins like JSON and is none (${(error as Error).message}): ${EXPECTED}`)
  }
  const array = value as unknown[]
  if (array.every((item): item is object => typeof item === 'object' && item !== null)) return array
  throw refuse(text, `a JSON array of resources holds something else than objects: ${EXPECTED}`)
}

const refuse = (value: unknown, problem: string) => refuseFlag(FLAG, value, problem)
