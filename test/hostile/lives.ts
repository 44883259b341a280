import { setTimeout as sleep } from 'node:timers/promises'
import { HOST_IP, HOST_MAC, REMOTE_IP, WIRE, type NamespaceRef } from '../helpers/topology.js'
import { MOMENT } from './acts.js'
import type { Group } from './check.js'
import { datagram, INBOUND } from './frames.js'

/** Containers that come while others attack, and many of them. */
export const lives: Group = {
  name: 'Containers that come and go',
  checks: [
    {
      id: 'W6',
      rule: 'forged frames from the moment that the interface is there',
      run: async world => {
        const { tool, host } = world
        const fresh = await world.scratch('w')
        const heard = await tool.rawSocket({ netns: host.path, protocol: 253 })
        let made = false
        let sent = 0
        const adding = world.add(fresh, 31_700).finally(() => {
          made = true
        })
        const forged = datagram(Buffer.alloc(64, 0x77), {
          protocol: 253,
          source: REMOTE_IP,
          destination: HOST_IP,
          to: HOST_MAC,
        })
        while (!made) {
          const socket = await tool
            .packetSocket({ netns: fresh.path, device: WIRE, protocol: 0 })
            .catch(() => undefined)
          await socket?.send(...Array<Buffer>(50).fill(forged)).then(
            () => (sent += 50),
            () => undefined,
          )
          await socket?.close()
        }
        await adding
        await sleep(MOMENT)
        await tool.flush()
        const arrived = heard.take().length
        await heard.close()
        if (arrived > 0) return `${arrived} of ${sent} frames got into the host`
        return undefined
      },
    },
    {
      id: 'S6',
      rule: 'more than 32 containers, all of which see an echo reply',
      control: 'classic',
      notOn: ['open'],
      run: async world => {
        const { tool, remote } = world
        const many: NamespaceRef[] = []
        for (let i = 0; i < 33; i++) many.push(await world.scratch(`s${i}`))
        for (const [i, namespace] of many.entries()) await world.add(namespace, 31_800 + i)
        const listeners = await Promise.all(
          many.map(({ path }) => tool.packetSocket({ netns: path, device: WIRE })),
        )
        const wire = await tool.packetSocket({ netns: remote.path, device: WIRE, protocol: 0 })
        const mark = world.mark()
        await wire.send(
          datagram(Buffer.concat([Buffer.from([0, 0, 0, 0, 0, 0, 0, 0]), mark]), { ...INBOUND, protocol: 1 }),
        )
        const seen = await Promise.all(
          listeners.map(socket => socket.next(({ bytes }) => bytes.includes(mark), 3000)),
        )
        await Promise.all([wire, ...listeners].map(socket => socket.close()))
        const missed = seen.filter(frame => !frame).length
        return missed > 0 ? `${missed} of ${many.length} do not see it` : undefined
      },
    },
  ],
}
