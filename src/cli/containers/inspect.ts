import type { Inspection, NetnsReference } from '../../index.js'
import { loadLibrary, type Library } from '../library.js'

/** What is on a host. It is read, whoever made it, and nothing is changed. */
export async function inspect(from: {
  netns?: NetnsReference
}): Promise<{ library: Library; found: Inspection }> {
  const library = await loadLibrary()
  return { library, found: await library.PortMappingIsolator.inspect(from) }
}
