import { readFile } from 'node:fs/promises'
import type { PortMappingIsolator, PortMappingIsolatorOptions } from '../../index.js'
import { UsageError } from '../failure.js'
import { loadLibrary } from '../library.js'
import { netnsOf } from '../shared-options.js'

/** What nobody can read from the kernel: with which options the program that has the containers made its isolator. */
export const optionsOption = {
  type: 'string',
  short: 'o',
  value: 'FILE',
  about: 'JSON with the options that the program gives to PortMappingIsolator.create()',
} as const

/** What help says of commands that need an isolator. */
export const ADOPTS =
  'The kernel does not show every option of the program that made the containers: --options has to give the same. As at a\n' +
  "restart of the program, create() completes the host's part, and recover('all') repairs the filters of containers and\n" +
  'removes those that a crash left half made. Complete containers keep running.'

/**
 * Makes an isolator for as long as `work` takes, as a restart of the program does.
 *
 * @throws UsageError if there is no file, or no JSON in it
 */
export async function withIsolator<T>(
  file: string | undefined,
  netns: string | undefined,
  work: (isolator: PortMappingIsolator) => Promise<T>,
): Promise<T> {
  const options = await optionsIn(file)
  const { PortMappingIsolator } = await loadLibrary()
  await using isolator = await PortMappingIsolator.create({ ...options, ...netnsOf(netns) })
  await isolator.recover('all')
  return await work(isolator)
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
