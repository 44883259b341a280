import { setTimeout as sleep } from 'node:timers/promises'
import type { FrameSocket } from '../helpers/frame-socket.js'
import type { FrameTool } from '../helpers/frame-tool.js'
import { HOST_MAC, WIRE, type NamespaceRef } from '../helpers/topology.js'
import { MOMENT } from './acts.js'
import type { Check, Control, Group } from './check.js'
import { INET, INET6, twins, type Family } from './family.js'
import { icmpOf, INBOUND, type Frame } from './frames.js'
import { icmp6Of, INBOUND6 } from './frames6.js'

interface Answers {
  /** Whether the classic layout is seen to fail at 33 containers, which it does in every family. */
  readonly control?: Control
  /** A raw socket of the family. */
  readonly listen: (tool: FrameTool, options: { netns: string; protocol: number }) => Promise<FrameSocket>
  readonly echoReply: Frame
}

/** What both families have. */
const livesOf = ({ host, remote, ported, listen, echoReply, ...family }: Family & Answers): Check[] => [
  {
    id: 'W6',
    rule: 'forged frames from the moment that the interface is there',
    run: async world => {
      const { tool } = world
      const fresh = await world.scratch('w')
      const heard = await listen(tool, { netns: world.host.path, protocol: 253 })
      let made = false
      let sent = 0
      const adding = world.add(fresh, 31_700).finally(() => {
        made = true
      })
      const fields = { protocol: 253, source: remote, destination: host, to: HOST_MAC }
      const forged = ported(fields)(Buffer.alloc(64, 0x77))
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
    ...(family.control && { control: family.control }),
    notOn: ['open'],
    run: async world => {
      const { tool } = world
      const many: NamespaceRef[] = []
      for (let i = 0; i < 33; i++) many.push(await world.scratch(`s${i}`))
      for (const [i, namespace] of many.entries()) await world.add(namespace, 31_800 + i)
      const listeners = await Promise.all(
        many.map(({ path }) => tool.packetSocket({ netns: path, device: WIRE })),
      )
      const wire = await tool.packetSocket({ netns: world.remote.path, device: WIRE, protocol: 0 })
      const mark = world.mark()
      await wire.send(echoReply(mark))
      const seen = await Promise.all(
        listeners.map(socket => socket.next(({ bytes }) => bytes.includes(mark), 3000)),
      )
      await Promise.all([wire, ...listeners].map(socket => socket.close()))
      const missed = seen.filter(frame => !frame).length
      return missed > 0 ? `${missed} of ${many.length} do not see it` : undefined
    },
  },
]

const name = 'Containers that come and go'
/** Containers that come while others attack, and many of them. */
export const lives: Group = {
  name,
  checks: livesOf({
    ...INET,
    control: 'classic',
    listen: (tool, options) => tool.rawSocket(options),
    echoReply: icmpOf({ type: 0 }, INBOUND),
  }),
}
export const lives6: Group = {
  name: `${name}, IPv6`,
  checks: twins(
    livesOf({
      ...INET6,
      listen: (tool, options) => tool.rawSocket6(options),
      echoReply: icmp6Of({ type: 129 }, INBOUND6),
    }),
  ),
}
