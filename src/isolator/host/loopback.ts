import type { Link } from '../../rtnetlink/index.js'
import type { RtnetlinkSocket } from '../../rtnetlink-socket.js'
import { removeAll } from '../kernel/apply.js'
import type { HostRecord } from '../layout/host-record.js'
import { loopbackRestoration, loopbackSettings } from '../plan/host.js'

/** IPV6_MIN_MTU, linux/ipv6.h: a device with less has no IPv6 addresses. */
const IPV6_MIN_MTU = 1280

type LoopbackRecord = Pick<HostRecord, 'mtu' | 'down' | 'inet6' | 'sysctls'>

/** What `create()` is about to change of the loopback interface, as it is now. */
export async function recordOfLoopback(
  rt: RtnetlinkSocket,
  { name: dev, mtu, up, inet = {} }: Link,
): Promise<LoopbackRecord> {
  const names = Object.keys(loopbackSettings({ mac: '', mtu }).inet) as (keyof typeof inet)[]
  const addresses = await rt.addresses.list({ dev })
  const inet6 = addresses.flatMap(({ family, address, prefixLength }) =>
    family === 'inet6' ? [`${address}/${prefixLength}`] : [],
  )
  const isBare = !addresses.some(({ family }) => family === 'inet')
  return {
    mtu,
    ...(!up && { down: isBare ? 'bare' : 'down' }),
    ...(inet6.length > 0 && { inet6 }),
    sysctls: Object.fromEntries(names.map(name => [name, inet[name] ?? 0])),
  }
}

/** The errnos of addresses that are as they are to be already. */
const AS_BEFORE: ReadonlySet<string> = new Set(['EEXIST', 'EADDRNOTAVAIL'])

/** Puts the loopback back as it was, and clears the record. Its MAC stays: the kernel refuses the all-zero one. */
export async function restoreLoopback(
  rt: RtnetlinkSocket,
  loopbackInterface: string,
  record: LoopbackRecord,
): Promise<void> {
  const { mtu } = await rt.links.get(loopbackInterface)
  const { inet6, ...rest } = record
  const lost = mtu < IPV6_MIN_MTU && record.mtu >= IPV6_MIN_MTU ? { inet6 } : {}
  await removeAll(rt, loopbackRestoration({ loopbackInterface }, { ...rest, ...lost }), AS_BEFORE)
}
