import { openSync, closeSync } from 'node:fs'
import { binding } from '../../src/native/binding.js'
import { NETLINK_ROUTE } from '../../src/netlink/constants.js'
import { messagesByType, type Protocol } from '../../src/netlink/message-type.js'
import { NetlinkSocketSync } from '../../src/netlink/socket-sync.js'
import { address, link, neighbour, route, rtnetlinkMessages } from '../../src/rtnetlink/index.js'
import { Verbs, type Executor } from '../../src/rtnetlink-verbs.js'

const protocol: Protocol = { name: 'rtnetlink', number: NETLINK_ROUTE, messages: messagesByType(...(rtnetlinkMessages as never[])) }
export function openIn(path: string) {
  const fd = openSync(path, 'r')
  const socket = new NetlinkSocketSync(new (binding().Socket)(0, fd), protocol)
  closeSync(fd)
  const executor: Executor<'sync'> = {
    devices: socket.devices,
    request: (request, then) => then(socket.request(request)),
    dump: (request, map) => socket.dump(request).flatMap(message => map(message) ?? []) as never,
  }
  return { socket, links: new Verbs(executor, link), addresses: new Verbs(executor, address), routes: new Verbs(executor, route), neighbours: new Verbs(executor, neighbour) }
}
