/** As many namespaces are held open for a piece of work at the same time. */
const AT_ONCE = 16

/** Does the work for all items, a few at the same time. */
export async function atOnce<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const rest = items.values()
  const worker = async (): Promise<void> => {
    for (const item of rest) await work(item)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
}
