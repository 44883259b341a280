/** Names up to this many are listed where none is near. */
const LISTED = 24

/**
 * The name of `names` that was probably meant by `name`: one that the other begins with, or that differs in fewer than
 * half of its letters. Undefined where none is near, unless there is only one.
 */
export function nearest(name: string, names: readonly string[]): string | undefined {
  if (names.length === 1) return names[0]
  let best: { name: string; distance: number } | undefined
  for (const candidate of names) {
    const distance = nearness(name.toLowerCase(), candidate.toLowerCase())
    if (distance !== undefined && distance < (best?.distance ?? Infinity))
      best = { name: candidate, distance }
  }
  return best?.name
}

/** `one of dev, kind, parent`, or fewer words where there are too many to read. */
export function oneOfNames(names: readonly string[]): string {
  if (names.length === 0) return 'no members'
  return names.length <= LISTED
    ? `one of ${names.join(', ')}`
    : `one of ${names.slice(0, LISTED).join(', ')}, …`
}

/** Shorter than this, a common beginning says nothing. */
const BEGINNING = 3

function nearness(name: string, candidate: string): number | undefined {
  const [short, long] = name.length < candidate.length ? [name, candidate] : [candidate, name]
  const distance = editDistance(short, long)
  if (distance * 2 < long.length) return distance
  return short.length >= BEGINNING && long.startsWith(short) ? distance : undefined
}

/** How many letters have to be changed, added, left out or exchanged with the next (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let before: number[] = []
  let above = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1
      let cost = Math.min(cell(above, j) + 1, cell(row, j - 1) + 1, cell(above, j - 1) + same)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        cost = Math.min(cost, cell(before, j - 2) + 1)
      }
      row.push(cost)
    }
    before = above
    above = row
  }
  return cell(above, b.length)
}

const cell = (row: readonly number[], at: number): number => row[at] ?? Infinity
