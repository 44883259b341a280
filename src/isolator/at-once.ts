/** As many namespaces are held open for a piece of work at the same time. */
const AT_ONCE = 16

/** Does the work for all items, a few at the same time. The first failure is thrown once what was begun has ended. */
export async function atOnce<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const rest = items.values()
  const worker = async (): Promise<void> => {
    for (const item of rest) await work(item)
  }
  const results = await Promise.allSettled(Array.from({ length: AT_ONCE }, worker))
  for (const result of results) if (result.status === 'rejected') throw result.reason
}
