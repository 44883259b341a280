import type { Container, ContainerTable } from './table.js'

/**
 * Does something with a container once the call that makes or changes it is through. If the container is cleaned up meanwhile, that
 * explains whatever fails.
 *
 * @throws IsolatorError ERR_CONTAINER_UNKNOWN where the container has gone; what `work` throws
 */
export async function whileThere<T>(
  table: ContainerTable,
  container: Container,
  work: (container: Container) => Promise<T>,
): Promise<T> {
  await container.settled
  try {
    table.checkHas(container)
    return await work(container)
  } catch (error) {
    await container.settled
    table.checkHas(container)
    throw error
  }
}
