import type { HostSide } from '../host/context.js'
import { processesIn, readProcesses, type ContainerProcesses } from '../kernel/processes.js'
import { isHeld } from '../plan/facts.js'
import { numbersOfEnds } from './find-namespace.js'
import { ourHandles } from './namespace-handles.js'
import type { Container } from './table.js'

/**
 * The processes in containers, by id. One question for each process on the machine and for each of these containers; nothing inside
 * one is opened, and nothing else is read of it.
 */
export async function processesInside(
  host: HostSide,
  containers: readonly Container[],
): Promise<Map<string, ContainerProcesses>> {
  // First: a container that is still there then was there all the time, and no other namespace has got its number meanwhile.
  const processes = await readProcesses(host.rt)
  const numbers = new Map([
    ...(await numbersOfHeld(host, containers.filter(isHeld))),
    ...(await numbersOfEnds(
      host.rt,
      containers.filter(container => !isHeld(container)),
    )),
  ])
  return new Map(
    containers.map(container => [container.id, processesIn(numbers.get(container.slot), processes)]),
  )
}

/** By the names that hold the namespaces: where the veth's other end is, root inside can change. */
async function numbersOfHeld(host: HostSide, held: readonly Container[]): Promise<Map<number, number>> {
  if (held.length === 0) return new Map()
  const handles = await ourHandles(host)
  return new Map(
    held.flatMap(({ slot, namespace }): [number, number][] => {
      const found = handles.get(slot)
      return found && found.identity === namespace ? [[slot, found.nsid]] : []
    }),
  )
}
