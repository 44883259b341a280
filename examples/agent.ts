/**
 * An agent to start from: it takes a Mesos agent's command line, starts containers on request, and serves statistics.
 *
 *     npm run example -- agent --isolation=network/port_mapping \
 *       '--resources=ports:[31000-32000];ephemeral_ports:[32768-57344]' --ephemeral_ports_per_container=1024 \
 *       --egress_rate_limit_per_container=37500KB --egress_unique_flow_per_container
 *     (quoted, since a shell ends a command at ";")
 *
 *     curl -X POST -H 'Content-Type: application/json' localhost:5051/containers \
 *       -d '{"id": "web-1", "command": "exec python3 -m http.server 31000", "ports": "31000-31007"}'
 *     curl localhost:5051/containers localhost:5051/monitor/statistics localhost:5051/metrics
 *     curl -X DELETE localhost:5051/containers/web-1
 *
 * Its own flags: as in Mesos --ip (127.0.0.1) and --port (5051) to listen on, --work_dir (/var/lib/rtnetlink-agent) for what
 * containers print and who they are; and two that Mesos has not, --reserve_host_ports and --bloat_reduction=none, which
 * are options of the isolator. Kill it, start it again: its containers go on, and it knows them. Needs root.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { parseArgs } from 'node:util'
import { createStatisticsHandler, parseMesosFlags, PortMappingIsolator } from 'rtnetlink'
import { Containers } from './agent/containers.js'
import { createRouter } from './agent/http.js'
import { createMetrics } from './agent/metrics.js'

const OWN_FLAGS = {
  ip: { type: 'string', default: '127.0.0.1' },
  port: { type: 'string', default: '5051' },
  work_dir: { type: 'string', default: '/var/lib/rtnetlink-agent' },
  reserve_host_ports: { type: 'boolean', default: false },
  bloat_reduction: { type: 'string', default: 'fq_codel' },
} as const

const { options, isolation, resources, rest } = parseMesosFlags(process.argv.slice(2), {
  environment: process.env,
})
if (!isolation.includes('network/port_mapping'))
  throw new Error('this agent has one isolator: expected --isolation=network/port_mapping')
const { values, tokens } = parseArgs({ args: rest, strict: false, tokens: true, options: OWN_FLAGS })
const ignored = tokens.flatMap(token =>
  token.kind === 'option' && !Object.hasOwn(OWN_FLAGS, token.name) ? [token.rawName] : [],
)
if (ignored.length > 0) console.log(`not for this agent: ${ignored.join(' ')}`)

const isolator = await PortMappingIsolator.create({
  ...options,
  reserveHostPorts: values['reserve_host_ports'] === true,
  bloatReduction: values['bloat_reduction'] === 'none' ? 'none' : 'fq_codel',
})
const containers = new Containers(isolator, String(values['work_dir']))
const { recovered, cleaned, ended } = await containers.recover()
console.log(`recovered: ${list(recovered)}; ended meanwhile: ${list(ended)}; not ours: ${list(cleaned)}`)

const statistics = createStatisticsHandler(isolator, {
  describe: id => containers.description(id),
  extraStatistics: id => containers.limits(id),
})
const route = createRouter(containers, createMetrics(isolator))
const server = createServer((request, response) => {
  statistics(request, response, () => {
    void route(request, response)
  })
}).listen(Number(values['port']), String(values['ip']))
await once(server, 'listening')
const { address, port } = server.address() as AddressInfo
console.log(`listening on http://${address}:${port}, for ${JSON.stringify(resources)}`)

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    console.log(`${signal}: containers go on`)
    server.close()
    server.closeAllConnections()
    containers.close()
    void isolator.close()
  })
}

function list(ids: readonly string[]): string {
  return ids.length === 0 ? 'none' : ids.join(', ')
}
