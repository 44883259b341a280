import type { RtnetlinkSocket } from '../../index.js'
import type { Place } from './listing.js'

/** Opens a socket for as long as `work` takes. */
export async function withSocket<T>(
  { library, from }: Pick<Place, 'library' | 'from'>,
  work: (rt: RtnetlinkSocket) => Promise<T>,
): Promise<T> {
  await using rt = await library.RtnetlinkSocket.open(from)
  return await work(rt)
}
