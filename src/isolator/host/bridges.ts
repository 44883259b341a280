import type { RtnetlinkSocket } from '../../rtnetlink-socket.js'
import { IsolatorError } from '../isolator-error.js'
import { ensureAll, removeAll } from '../kernel/apply.js'
import type { Undo } from '../kernel/undo.js'
import { unlessGone } from '../kernel/unless-gone.js'
import { bridgeName } from '../layout/layout.js'
import { bridgeBirth, bridgeSettings, isOurBridge } from '../plan/bridge.js'
import { inversesOf } from '../plan/planned.js'
import type { HostContext } from './context.js'

/**
 * Sees to it that the bridges of these slots are there, and down. They stay until `destroy()`: the next container may need
 * them while a call that made one is taken back.
 *
 * @throws IsolatorError ERR_FOREIGN_STATE where another link has the name of one
 */
export async function ensureBridges(host: HostContext, slots: readonly number[]): Promise<void> {
  const { rt, facts, bridges } = host
  if (!facts.bridged) return
  for (const name of new Set(slots.map(bridgeName))) {
    const index = rt.devices.interfaceIndex(name)
    // The same one as when it was looked at: nothing is asked.
    if (index !== 0 && bridges.get(name) === index) continue
    await ensureBridge(rt, name)
    bridges.set(name, rt.devices.interfaceIndex(name))
  }
}

/**
 * Sees to it that a bridge is there, and as it is to be. If it is missing, `undo` gets the step that takes it away again, before
 * it is made.
 *
 * @throws IsolatorError ERR_FOREIGN_STATE where another link has its name
 */
export async function ensureBridge(
  rt: RtnetlinkSocket,
  name: string,
  undo?: Pick<Undo, 'push'>,
): Promise<void> {
  const found = await unlessGone(() => rt.links.get(name))
  if (found && !isOurBridge(found)) {
    throw new IsolatorError(
      'ERR_FOREIGN_STATE',
      `${name} is where this isolator has a bridge of its own, and it is ${found.kind === 'bridge' ? 'a bridge of somebody else' : 'not a bridge'}. ` +
        `Rename it (ip link set dev ${name} name …), or delete it`,
      { details: { dev: name, kind: found.kind } },
    )
  }
  if (!found) {
    const birth = bridgeBirth(name)
    undo?.push(() => removeAll(rt, inversesOf([birth])))
    await ensureAll(rt, [birth])
  }
  const { inet6 } = found ?? (await rt.links.get(name))
  await ensureAll(rt, [bridgeSettings(name, { ipv6: inet6 !== undefined })])
}
