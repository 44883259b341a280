import type { Topology } from '../../../test/helpers/topology.js'
import { stateOf as stateOfAll } from '../../../test/isolator/kernel-state.js'

/** Numbers that the kernel chooses. */
const NUMBERS = new Set(['ifindex', 'link_index', 'link_netnsid', 'link_netns'])

/** What there is at the host and in its containers, in a form that is the same for equal ones. */
export async function stateOf({ host, containers }: Topology): Promise<string> {
  const { namespaces, sysctls } = await stateOfAll([host, ...containers])
  const withoutNumbers = (name: string, value: unknown): unknown => (NUMBERS.has(name) ? undefined : value)
  const all = [...Object.values(namespaces), ...sysctls]
  return JSON.stringify(all, withoutNumbers, 1).replaceAll(/index \d+/g, 'index N')
}
