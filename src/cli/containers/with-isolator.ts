import { readFile } from 'node:fs/promises'
import type {
  Inspection,
  NetnsReference,
  PortMappingIsolator,
  PortMappingIsolatorOptions,
} from '../../index.js'
import { UsageError } from '../failure.js'
import { netnsOf } from '../shared-options.js'
import { inspect } from './inspect.js'

/** What nobody can read from the kernel: with which options the program that has the containers made its isolator. */
export const optionsOption = {
  type: 'string',
  short: 'o',
  value: 'FILE',
  about: 'JSON with the options that the program gives to PortMappingIsolator.create()',
} as const

export const removeIncompleteOption = {
  type: 'boolean',
  about: 'remove containers that are half made, or whose link is down',
} as const

/** What help says of commands that need an isolator. */
export const ADOPTS =
  'The kernel does not show every option of the program that made the containers: --options has to give the same. As at a\n' +
  "restart of the program, create() completes the host's part, and recover('all') repairs the filters of containers.\n" +
  'Complete containers keep running. recover() removes a container that is half made or whose link is down: without\n' +
  '--remove-incomplete this command ends with an error and changes nothing if there is one. A container that a running\n' +
  'program is just making looks the same: end the program first.'

/** Where an isolator was made, and what was there before it. */
export interface Adopted {
  readonly isolator: PortMappingIsolator
  readonly from: { netns?: NetnsReference }
  readonly before: Inspection
}

/**
 * Makes an isolator for as long as `work` takes, as a restart of the program does.
 *
 * @throws UsageError if there is no file, or no JSON in it; Error if `recover()` would remove a container and
 *   `removeIncomplete` is not given
 */
export async function withIsolator<T>(
  { options: file, netns, 'remove-incomplete': removeIncomplete }: AdoptingOptions,
  work: (adopted: Adopted) => Promise<T>,
): Promise<T> {
  const options = await optionsIn(file)
  // The host of the file, unless the command line names another one. JSON can be anything, also null.
  const { netns: ofFile } = (options as PortMappingIsolatorOptions | null) ?? {}
  const from = netns === undefined && ofFile !== undefined ? { netns: ofFile } : netnsOf(netns)
  const { library, found: before } = await inspect(from)
  if (!removeIncomplete) refuseIncomplete(before)
  await using isolator = await library.PortMappingIsolator.create({ ...options, ...from })
  await isolator.recover('all')
  return await work({ isolator, from, before })
}

interface AdoptingOptions {
  readonly options?: string
  readonly netns?: string
  readonly 'remove-incomplete'?: boolean
}

function refuseIncomplete({ containers, halfMade }: Inspection): void {
  const down = containers.filter(({ up }) => !up).map(({ id, link }) => `'${id}': ${link} is down`)
  const [first, ...others] = [...down, ...halfMade]
  if (first === undefined) return
  const more = others.length === 0 ? '' : ` (and ${others.length} more, see rtnetlink verify)`
  throw new Error(
    `${first}${more}: it would be removed. If a running program is just making it, end the program first; --remove-incomplete removes it`,
  )
}

async function optionsIn(file: string | undefined): Promise<PortMappingIsolatorOptions> {
  if (file === undefined)
    throw new UsageError('--options FILE is needed: the options of create(), which the kernel does not show')
  const text = await readFile(file, 'utf8')
  try {
    return JSON.parse(text) as PortMappingIsolatorOptions
  } catch (error) {
    throw new UsageError(`${file} is not JSON: ${(error as Error).message}`)
  }
}
