import type { Filter } from '../../index.js'
import { UsageError } from '../failure.js'
import type { Library } from '../library.js'
import type { Column } from '../table.js'
import { listing } from './listing.js'
import { withSocket } from './with-socket.js'
import { optionWordsOf } from './words.js'

export const filters = listing({
  name: 'filters',
  about: 'list filters of ingress, egress and classful qdiscs, as `tc filter` does',
  options: {
    parent: {
      type: 'string',
      short: 'p',
      value: 'PARENT',
      about: "of this hook, qdisc or class alone: 'ingress', 'egress', '1:', '1:10'",
    },
  },
  examples: [
    { line: 'filters', about: 'the filters of all interfaces' },
    { line: 'filters --dev eth0 --parent ingress', about: 'what packets meet that arrive at eth0' },
  ],
  columns: ({ filter }): Column<Filter>[] => [
    { title: 'DEV', of: ({ dev }) => dev },
    { title: 'PARENT', of: ({ parent }) => parent },
    { title: 'PRIO', align: 'right', of: ({ priority }) => priority },
    { title: 'PROTOCOL', of: ({ protocol }) => protocol },
    { title: 'CHAIN', align: 'right', of: ({ chain }) => chain || '' },
    { title: 'KIND', of: ({ kind }) => kind },
    { title: 'HANDLE', of: ({ handle }) => handle },
    { title: 'WORDS', of: object => optionWordsOf(filter, object) },
  ],
  // A snapshot knows every place where a filter can be.
  list: (place, { dev, parent }) => {
    const wanted = parent === undefined ? undefined : numberOf(parent, place.library)
    return withSocket(place, async rt => {
      if (dev !== undefined && parent !== undefined) return rt.filters.list({ dev, parent })
      const ifindex = dev === undefined ? undefined : (await rt.links.get(dev)).index
      const { filters } = await rt.snapshot(['filters'])
      return filters.filter(
        filter =>
          (ifindex === undefined || filter.ifindex === ifindex) &&
          (wanted === undefined || numberOf(filter.parent, place.library) === wanted),
      )
    })
  },
})

/** The hooks, as tc(8) writes them in numbers. */
const HOOKS: Readonly<Record<string, string>> = {
  root: 'ffff:ffff',
  ingress: 'ffff:fff2',
  egress: 'ffff:fff3',
}

/** @throws UsageError for what is no parent */
function numberOf(parent: string, { parseHandle }: Library): number {
  try {
    return parseHandle((Object.hasOwn(HOOKS, parent) && HOOKS[parent]) || parent)
  } catch {
    throw new UsageError(
      `--parent is '${parent}': expected root, ingress, egress, or a handle such as 1: or 1:10`,
    )
  }
}
