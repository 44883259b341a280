/**
 * Does every one of `items` once per round, in an order that moves on by one each round, so that what drifts (clock,
 * caches, other processes) meets all alike.
 */
export async function alternate<Item>(
  items: readonly Item[],
  rounds: number,
  work: (item: Item, round: number) => Promise<void>,
): Promise<void> {
  for (let round = 0; round < rounds; round++)
    for (let i = 0; i < items.length; i++) {
      const item = items[(i + round) % items.length]
      if (item !== undefined) await work(item, round)
    }
}
