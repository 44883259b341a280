import type { InetSocket, InetSocketQuery } from '../../index.js'
import type { Cell, Column } from '../table.js'
import { familyOf, familyOption } from './family.js'
import { listing, type Place } from './listing.js'
import { withSocket } from './with-socket.js'

const PROTOCOLS = ['tcp', 'udp', 'udplite', 'sctp', 'dccp'] as const
type Protocol = (typeof PROTOCOLS)[number]

/** A socket with the name of the interface that it is bound to. */
type Shown = InetSocket & { dev?: string }

export const sockets = listing({
  name: 'sockets',
  about: 'list TCP and UDP sockets, as `ss -tuan` does',
  options: {
    family: familyOption,
    protocol: {
      type: 'string',
      short: 'p',
      value: 'PROTOCOL',
      choices: PROTOCOLS,
      about: 'one protocol alone',
    },
    listening: { type: 'boolean', short: 'l', about: 'sockets that wait for packets or connections alone' },
  },
  examples: [{ line: 'sockets --listening', about: 'which ports are served' }],
  notes: 'With --dev: sockets that are bound to the interface.',
  columns: (): Column<Shown>[] => [
    { title: 'PROTOCOL', of: ({ protocol }) => protocol },
    { title: 'STATE', of: stateOf },
    { title: 'RECV-Q', align: 'right', of: ({ receiveQueue }) => receiveQueue },
    { title: 'SEND-Q', align: 'right', of: ({ sendQueue }) => sendQueue },
    {
      title: 'LOCAL',
      of: ({ family, localAddress, localPort }) => endpoint(family, localAddress, localPort),
    },
    {
      title: 'REMOTE',
      of: ({ family, remoteAddress, remotePort }) => endpoint(family, remoteAddress, remotePort),
    },
    { title: 'DEV', of: ({ dev }) => dev },
    { title: 'UID', align: 'right', of: ({ uid }) => uid },
    { title: 'INODE', align: 'right', of: ({ inode }) => inode || '' },
  ],
  async list(place, { dev, family, protocol, listening }) {
    const ifindex =
      dev === undefined ? undefined : await withSocket(place, async rt => (await rt.links.get(dev)).index)
    const found = await socketsOf(place, protocol as Protocol | undefined, familyOf(family))
    return found.filter(
      socket => (ifindex === undefined || socket.ifindex === ifindex) && (!listening || isServed(socket)),
    )
  },
  rows: (found, place) =>
    withSocket(place, async ({ devices }) =>
      found.map(socket =>
        socket.ifindex === 0
          ? socket
          : { ...socket, dev: devices.interfaceName(socket.ifindex) ?? `if${socket.ifindex}` },
      ),
    ),
})

/** Of one protocol, or of TCP and UDP, of which a kernel may have no list. */
async function socketsOf(
  { library, from, warn }: Place,
  protocol: Protocol | undefined,
  query: InetSocketQuery,
): Promise<InetSocket[]> {
  await using diag = await library.SockDiagSocket.open(from)
  if (protocol !== undefined) return await diag.list({ protocol, ...query })
  const tcp = await diag.list({ protocol: 'tcp', ...query })
  try {
    return [...tcp, ...(await diag.list({ protocol: 'udp', ...query }))]
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    warn('this kernel has no list of UDP sockets (CONFIG_INET_UDP_DIAG): those of TCP alone')
    return tcp
  }
}

/** A UDP socket that is bound and not connected has the state of a closed one. */
const isServed = ({ protocol, state }: InetSocket): boolean =>
  state === 'listening' || (protocol !== 'tcp' && state === 'closed')

/** Of UDP, the words of `ss`. */
function stateOf({ protocol, state }: InetSocket): Cell {
  if (state === 'established') return { text: state, colour: 'green' }
  return state === 'closed' && protocol !== 'tcp' ? 'unconnected' : state
}

const endpoint = (family: string, address: string, port: number): string =>
  `${family === 'inet6' ? `[${address}]` : address}:${port === 0 ? '*' : port}`
