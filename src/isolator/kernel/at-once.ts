/** As many namespaces are held open for a piece of work at the same time. */
const AT_ONCE = 16

/**
 * Does the work for all items, a few at the same time, and gives what came of each, in order. The first failure is thrown
 * once what was begun has ended.
 */
export async function atOnce<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  const rest = items.entries()
  const worker = async (): Promise<void> => {
    for (const [i, item] of rest) results[i] = await work(item)
  }
  await allDone(Array.from({ length: Math.min(AT_ONCE, items.length) }, worker))
  return results
}

/** Waits for all, also when one fails: what the others do is to be taken back too. Throws the first failure. */
export async function allDone(work: readonly Promise<unknown>[]): Promise<void> {
  const results = await Promise.allSettled(work)
  const failure = results.find(({ status }) => status === 'rejected')
  if (failure?.status === 'rejected') throw failure.reason
}
