import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** What a request asks for, and all that the agent itself has to remember of a container. */
export interface ContainerSpec {
  /** Letters, digits, `_`, `.` and `-`: it names files too. */
  id: string
  /** For `sh -c`, or a program and its arguments. */
  command: string | string[]
  /** Non-ephemeral ports, `'31000-31007'`. */
  ports?: string
  cpus?: number
  /** Told by the statistics endpoint. */
  executor_name?: string
  framework_id?: string
  source?: string
}

/** A request that makes no sense: its sender's fault. */
export class BadRequest extends Error {}

const KINDS: Readonly<Record<keyof ContainerSpec, (value: unknown) => boolean>> = {
  id: value => typeof value === 'string' && /^[a-z0-9][\w.-]{0,99}$/i.test(value),
  command: value => isText(value) || (Array.isArray(value) && value.length > 0 && value.every(isText)),
  ports: isText,
  cpus: value => typeof value === 'number' && value > 0,
  executor_name: isText,
  framework_id: isText,
  source: isText,
}

/** Checks what a request says; the isolator checks the ports. */
export function parseSpec(text: string): ContainerSpec {
  let spec: unknown
  try {
    spec = JSON.parse(text)
  } catch (error) {
    throw new BadRequest(`not JSON: ${(error as Error).message}`)
  }
  if (typeof spec !== 'object' || spec === null) throw new BadRequest('expected a JSON object')
  for (const [name, value] of Object.entries(spec)) {
    if (!Object.hasOwn(KINDS, name))
      throw new BadRequest(`unknown: ${name}; expected ${Object.keys(KINDS).join(', ')}`)
    if (!KINDS[name as keyof ContainerSpec](value))
      throw new BadRequest(`${name} cannot be ${JSON.stringify(value)}`)
  }
  for (const name of ['id', 'command']) if (!(name in spec)) throw new BadRequest(`${name} is missing`)
  return spec as ContainerSpec
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== ''
}

/**
 * One file per container, as Mesos's agent checkpoints what it started. The network needs none: the kernel has all of
 * it. A file without a container is one that did not come to be, or has ended.
 */
export class SpecFolder {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  }

  read(): ContainerSpec[] {
    const files = readdirSync(this.#folder).filter(name => name.endsWith('.json'))
    return files.map(name => JSON.parse(readFileSync(join(this.#folder, name), 'utf8')) as ContainerSpec)
  }

  /** All of it or nothing, also when the agent is killed meanwhile. */
  write(spec: ContainerSpec): void {
    const path = this.#path(spec.id)
    writeFileSync(`${path}.new`, JSON.stringify(spec))
    renameSync(`${path}.new`, path)
  }

  remove(id: string): void {
    rmSync(this.#path(id), { force: true })
  }

  #path(id: string): string {
    return join(this.#folder, `${id}.json`)
  }
}
