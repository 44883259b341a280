import type { Inspection } from '../../index.js'
import { loadLibrary, type Library } from '../library.js'
import { netnsOf } from '../shared-options.js'

/** What is on a host. It is read, whoever made it, and nothing is changed. */
export async function inspect(netns: string | undefined): Promise<{ library: Library; found: Inspection }> {
  const library = await loadLibrary()
  return { library, found: await library.PortMappingIsolator.inspect(netnsOf(netns)) }
}
