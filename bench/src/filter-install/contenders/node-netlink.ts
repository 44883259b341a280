import type { Contender } from '../../contender.js'
import { timed } from '../../timed.js'
import { encodedFilters } from '../encoded-filters.js'
import { filters, type Workload } from '../workload.js'

/** linux/netlink.h and linux/rtnetlink.h */
const NETLINK_ROUTE = 0
const NLMSG_HDRLEN = 16
const NLM_F_CREATE_EXCL = 0x600
const RTM_NEWTFILTER = 44

/** What is used of npm's `netlink`, which may be missing. */
interface NodeNetlink {
  readonly createNetlink: (protocol: number) => {
    request(type: number, data: Uint8Array, options: { flags: number }): Promise<unknown>
    close(): void
  }
}

/** The other netlink binding for Node. It models no traffic control, so it sends bytes that were encoded beforehand. */
export const nodeNetlink: Contender<Workload> = {
  name: 'npm netlink, pre-encoded',
  form: 'one by one',
  peer: true,
  inProcess: true,
  perSample: 1,
  async prepare(workload) {
    const name = 'netlink'
    const { createNetlink } = (await import(name)) as NodeNetlink
    const bodies = encodedFilters(workload, filters).map(message => message.subarray(NLMSG_HDRLEN))
    return async () => {
      const socket = createNetlink(NETLINK_ROUTE)
      try {
        return await timed(bodies, body => socket.request(RTM_NEWTFILTER, body, { flags: NLM_F_CREATE_EXCL }))
      } finally {
        socket.close()
      }
    }
  },
}
