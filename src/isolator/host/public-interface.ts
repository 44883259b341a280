import type { HostContext } from './context.js'
import { unlessGone } from '../kernel/unless-gone.js'

/** Whether the public interface is no more the one that the plan was made for, which takes one question to the kernel. */
export async function publicInterfaceChanged({ rt, facts, publicIndex }: HostContext): Promise<boolean> {
  const link = await unlessGone(() => rt.links.get(facts.publicInterface))
  return link?.index !== publicIndex || link.address !== facts.mac || link.mtu !== facts.mtu
}

/**
 * Has the facts follow the public interface if it was given another name. What stands on it or leads to it knows it by its index,
 * and needs no repair.
 */
export function followName(host: HostContext): void {
  const publicInterface = host.rt.devices.interfaceName(host.publicIndex)
  if (publicInterface === undefined || publicInterface === host.facts.publicInterface) return
  host.facts = { ...host.facts, publicInterface }
}
