import { IsolatorError } from 'rtnetlink'
import { CniError, CODE } from '../spec/cni-error.js'

/** Errors whose `details.id` is the container in the way. */
const IN_THE_WAY: readonly string[] = ['ERR_PORTS_OVERLAP', 'ERR_CONTAINER_EXISTS']

/**
 * The sentence for a container that its runtime adds to a second network: podman hands over all of its ports again, which the
 * container itself has.
 *
 * @param error of `isolate()`
 * @param id what the isolator was to call it
 * @returns the same error where it is another one
 */
export function refusalOfSecondNetwork(error: unknown, id: string): unknown {
  if (!(error instanceof IsolatorError && IN_THE_WAY.includes(error.code))) return error
  const [network, container, ifname = 'eth0'] = String(error.details['id']).split(':')
  if (error.details['id'] === id || container !== id.split(':')[1]) return error
  return new CniError(
    CODE.exists,
    `the container is in network '${network}' already, by its interface ${ifname}, and cannot be in a second one: both would have the ` +
      `host's address. Disconnect it from one of the two`,
    error.message,
  )
}
