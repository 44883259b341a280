/**
 * A live view of links and traffic control, as `ip monitor` and `tc monitor` show them. Needs no privilege.
 *
 *     npm run example -- watch [table …]        tables: links addresses routes neighbours qdiscs classes filters
 */
import { RtnetlinkSocket, type RtnetlinkChange } from 'rtnetlink'

const all = ['links', 'addresses', 'routes', 'neighbours', 'qdiscs', 'classes', 'filters'] as const
const wanted = process.argv.slice(2)
const tables = wanted.length === 0 ? all : all.filter(table => wanted.includes(table))

const stop = new AbortController()
process.once('SIGINT', () => {
  stop.abort()
})

await using rt = await RtnetlinkSocket.open()
console.log(`watching ${tables.join(', ')}; stop with Ctrl-C`)
for await (const event of rt.monitor({ tables, signal: stop.signal })) {
  const time = new Date().toISOString().slice(11, 23)
  if (event.event === 'overrun') console.log(`${time} changes came faster than they were read; catching up`)
  else console.log(`${time} ${event.event === 'new' ? '+' : '-'} ${event.table.padEnd(10)} ${inWords(event)}`)
}

function inWords({ table, object }: RtnetlinkChange): string {
  switch (table) {
    case 'links':
      return `${object.name} ${object.up ? 'up' : 'down'} ${object.operationalState} mtu ${object.mtu}`
    case 'addresses':
      return `${object.address}/${object.prefixLength} dev ${object.dev}`
    case 'routes':
      return `${object.destination}${object.gateway === undefined ? '' : ` via ${object.gateway}`} dev ${object.dev}`
    case 'neighbours':
      return `${object.address} ${object.lladdr ?? ''} dev ${object.dev}`
    case 'qdiscs':
      return `${object.kind} ${object.handle} dev ${object.dev} parent ${object.parent}`
    case 'classes':
      return `${object.kind} ${object.classid} dev ${object.dev}`
    case 'filters':
      return `${object.kind} ${object.handle} dev ${object.dev} parent ${object.parent} priority ${object.priority}`
  }
}
