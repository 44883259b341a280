const NANOSECONDS_PER_MILLISECOND = 1e6

/** Awaits `work` on each item, one after the other; gives the nanoseconds each took. */
export async function timed<Item>(
  items: readonly Item[],
  work: (item: Item) => Promise<unknown>,
): Promise<number[]> {
  const samples: number[] = []
  for (const item of items) {
    const began = performance.now()
    await work(item)
    samples.push((performance.now() - began) * NANOSECONDS_PER_MILLISECOND)
  }
  return samples
}

/** The same without a turn of the event loop in between. */
export function timedSync<Item>(items: readonly Item[], work: (item: Item) => unknown): number[] {
  return items.map(item => {
    const began = performance.now()
    work(item)
    return (performance.now() - began) * NANOSECONDS_PER_MILLISECOND
  })
}
