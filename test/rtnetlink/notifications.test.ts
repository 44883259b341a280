import t from 'tap'
import { RtnetlinkSocket } from '../../src/rtnetlink-socket.js'
import { ip } from '../helpers/iproute2.js'
import { allOf, canCreateNamespaces, hasLink } from '../helpers/privilege.js'
import { scratch } from './scratch.js'

t.test(
  'what ip does is told as it is listed',
  allOf(canCreateNamespaces(), hasLink('veth'), hasLink('bridge')),
  async t => {
    const { name } = await scratch(t)
    await using rt = await RtnetlinkSocket.open({ netns: name })
    const signal = AbortSignal.timeout(20_000)
    const changes = rt.monitor({ signal, tables: ['links', 'addresses', 'routes', 'neighbours'] })

    /** The first change for which `is` holds. */
    const next = async <T>(
      is: (change: { event: string; table?: string; object?: object }) => T,
    ): Promise<T> => {
      for (;;) {
        const { value } = await changes.next()
        const found = value && is(value)
        if (found) return found
      }
    }
    const links = next(({ event, object }) => event === 'new' && object && 'name' in object && object)
    await ip(name, 'link set lo mtu 60000')
    t.match(await links, { name: 'lo', index: 1 })

    await ip(name, 'link add br0 type bridge')
    await ip(name, 'link add a0 mtu 1400 master br0 type veth peer name b0')
    t.match(await next(({ object }) => object && 'mtu' in object && object.mtu === 1400 && object), {
      name: 'a0',
      kind: 'veth',
    })

    await ip(name, 'addr add 10.9.0.2/24 dev b0')
    const address = await next(({ table, object }) => table === 'addresses' && object)
    t.strictSame(address, (await rt.addresses.list({ dev: 'b0', family: 'inet' }))[0])

    await ip(name, 'neigh add 10.9.0.3 lladdr 02:00:00:00:00:03 dev b0')
    t.match(await next(({ table, object }) => table === 'neighbours' && object), {
      address: '10.9.0.3',
      lladdr: '02:00:00:00:00:03',
      state: 'permanent',
    })

    await ip(name, 'link set b0 up')
    await ip(name, 'route add 10.20.0.0/16 dev b0')
    t.match(
      await next(
        ({ object }) => object && 'destination' in object && object.destination === '10.20.0.0/16' && object,
      ),
      {
        dev: 'b0',
        scope: 'link',
      },
    )

    await ip(name, 'link set a0 nomaster')
    await ip(name, 'link del a0')
    const gone = await next(({ event, table, object }) => event === 'delete' && table === 'links' && object)
    t.match(gone, { name: 'a0', family: 'bridge' }, 'it left the bridge first')
    t.match(
      await next(
        ({ event, table, object }) =>
          event === 'delete' &&
          table === 'links' &&
          object &&
          'family' in object &&
          object.family === 'unspec' &&
          object,
      ),
      { kind: 'veth' },
    )
    await changes.return()
  },
)
