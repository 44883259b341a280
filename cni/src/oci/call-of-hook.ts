import { configurationIn } from '../network/network-list.js'
import type { Call } from '../spec/call.js'
import { CniError, CODE } from '../spec/cni-error.js'
import { runtimeConfigOf } from './annotations.js'
import { readState } from './state.js'

/** The hooks of the OCI runtime specification that the program is one of. */
export const HOOKS = ['createRuntime', 'poststop'] as const

export type Hook = (typeof HOOKS)[number]

/** The network's name, where the configuration has none. */
const NETWORK = 'oci'

/**
 * What the plug-in is to do when a runtime runs a hook: an ADD when the container's namespace is made, before its program starts,
 * and a DEL when it has ended.
 *
 * @param configuration of the network, as an administrator writes it
 * @param state what the runtime wrote to standard input
 * @throws CniError 6 and 7 for what is malformed
 */
export function callOfHook(hook: Hook, configuration: string, state: string): Call {
  const network = configurationIn(configuration, NETWORK)
  const { id, pid, annotations } = readState(state)
  const container = { CNI_CONTAINERID: id, CNI_IFNAME: 'eth0' }
  if (hook === 'poststop')
    return { environment: { CNI_COMMAND: 'DEL', ...container }, input: JSON.stringify(network) }
  if (pid === undefined)
    throw new CniError(
      CODE.invalidConfiguration,
      `container '${id}' has no process, so that nobody knows its namespace: is this a ${hook} hook?`,
    )
  return {
    environment: { CNI_COMMAND: 'ADD', ...container, CNI_NETNS: `/proc/${pid}/ns/net` },
    input: JSON.stringify({ ...network, runtimeConfig: runtimeConfigOf(annotations) }),
  }
}
