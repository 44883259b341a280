import { RtnetlinkSocket, type Filter, type NetnsReference } from '../../../lib/index.js'

/** How many filters eth0, lo, and the place where copies for everyone are made have. */
export async function filtersOfHost(): Promise<[eth0: number, lo: number, copies: number]> {
  await using rt = await RtnetlinkSocket.open()
  return [await countAt(rt, 'eth0'), await countAt(rt, 'lo'), await countAt(rt, 'pmcopies')]
}

/** How many the host's end of a container's veth has, and the container inside. */
export async function filtersOfContainer(
  link: string,
  netns: NetnsReference,
): Promise<[veth: number, inside: number]> {
  await using rt = await RtnetlinkSocket.open()
  await using inside = await RtnetlinkSocket.open({ netns })
  return [await countAt(rt, link), (await countAt(inside, 'eth0')) + (await countAt(inside, 'lo'))]
}

async function countAt(rt: RtnetlinkSocket, dev: string): Promise<number> {
  return (await rt.filters.list({ dev, parent: 'ingress' })).filter(found => !isRootTable(found)).length
}

/** The kernel makes these by itself, and numbers them from 0x800 on. */
const isRootTable = ({ kind, handle }: Filter): boolean =>
  kind === 'u32' && /^[89a-f][0-9a-f]{2}:$/.test(String(handle))
