import type { Difference } from '../../index.js'
import { printable } from '../printable.js'

/** `missing, of web-1: tc filter …`, and what is there instead. */
export function differenceLine({ id, kind, object, found, foreign }: Difference): string {
  const instead = found === undefined ? '' : `; there is: ${found}`
  const whose = foreign ? ' (not ours to change)' : ''
  return printable(`${kind}, of ${id ?? 'the host'}: ${object}${instead}${whose}`)
}
