import { ConcurrencyLimit } from './concurrency-limit.js'

/** As many namespaces are held open for a piece of work at the same time. */
const AT_ONCE = 16

/**
 * Does the work for all items, a few at the same time, and returns the results in order. If any fails, then the first
 * failure is thrown once all have ended.
 */
export async function atOnce<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const limit = new ConcurrencyLimit(AT_ONCE)
  const results = items.map(item => limit.run(() => work(item)))
  await allDone(results)
  return Promise.all(results)
}

/** Waits for all, also when one fails: what the others do is to be taken back too. Throws the first failure. */
export async function allDone(work: readonly Promise<unknown>[]): Promise<void> {
  const results = await Promise.allSettled(work)
  const failure = results.find(({ status }) => status === 'rejected')
  if (failure?.status === 'rejected') throw failure.reason
}

/**
 * Does work with all items at once, which answers for each why it failed. If it fails as a whole, such as for answers that
 * were lost, then that holds for each.
 */
export async function failuresOf<T>(
  items: readonly T[],
  work: (items: readonly T[]) => Promise<readonly (Error | undefined)[]>,
): Promise<readonly (Error | undefined)[]> {
  try {
    return await work(items)
  } catch (error) {
    return items.map(() => error as Error)
  }
}

/** Waits for the work. Returns why it failed; undefined if it did not. */
export async function failureOf(work: Promise<unknown>): Promise<Error | undefined> {
  try {
    await work
    return undefined
  } catch (error) {
    return error as Error
  }
}
