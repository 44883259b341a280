/**
 * An agent to start from: it takes a Mesos agent's command line, starts containers on request, and serves statistics.
 *
 *     npm run example -- agent --isolation=network/port_mapping \
 *       '--resources=ports:[31000-32000];ephemeral_ports:[32768-57344]' --ephemeral_ports_per_container=1024 \
 *       --egress_rate_limit_per_container=37500KB --egress_unique_flow_per_container
 *     (quoted, since a shell ends a command at ";")
 *
 *     alias ask='curl --unix-socket /run/rtnetlink-agent.sock'
 *     ask -X POST -H 'Content-Type: application/json' localhost/containers \
 *       -d '{"id": "web-1", "command": "exec python3 -m http.server 31000", "ports": "31000-31007"}'
 *     ask localhost/containers
 *     ask localhost/monitor/statistics
 *     ask localhost/metrics
 *     ask -X DELETE localhost/containers/web-1
 *
 * It starts processes as root, so only root may ask it, or who is in --socket_group: it listens on a unix socket (--socket).
 * With --port, and as in Mesos --ip (127.0.0.1), it listens by TCP instead, and asks for the token in --token_file
 * (-H "Authorization: Bearer $(cat FILE)"). Containers are not answered at all.
 *
 * Other flags: --work_dir (/var/lib/rtnetlink-agent) for what containers print, up to 10 MB each, and who they are; and two
 * that are options of the isolator, --reserve_host_ports and --bloat_reduction=none. Kill it, start it again: its
 * containers go on, and it knows them. Needs root.
 *
 * Its containers are isolated in the network only. They share the file system and all else with the host, and run as root:
 * an agent for programs that are not trusted has to isolate these too.
 */
import { createServer } from 'node:http'
import { parseArgs } from 'node:util'
import { Registry } from 'prom-client'
import { createStatisticsHandler, parseMesosFlags, PortMappingIsolator } from 'rtnetlink'
import { registerMetrics } from 'rtnetlink/metrics'
import {
  answer,
  IDLE_MS,
  isFromContainer,
  LIMITS,
  listenOnPort,
  MAX_CONNECTIONS,
  namesOf,
  readToken,
  refusalOf,
} from 'rtnetlink-cni/http'
import { Containers } from './agent/containers.js'
import { createRouter } from './agent/http.js'
import { listenForGroup } from './agent/listen.js'

const OWN_FLAGS = {
  ip: { type: 'string', default: '127.0.0.1' },
  port: { type: 'string' },
  token_file: { type: 'string' },
  socket: { type: 'string', default: '/run/rtnetlink-agent.sock' },
  socket_group: { type: 'string' },
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
const text = (name: keyof typeof OWN_FLAGS): string | undefined =>
  typeof values[name] === 'string' ? values[name] : undefined
const port = text('port')
const tokenFile = text('token_file')
if (port !== undefined && tokenFile === undefined)
  throw new Error('--port: whoever reaches it could start processes as root. Give --token_file as well')
const token = port === undefined || tokenFile === undefined ? undefined : readToken(tokenFile)
if (ignored.length > 0) console.log(`not for this agent: ${ignored.join(' ')}`)

const isolator = await PortMappingIsolator.create({
  ...options,
  reserveHostPorts: values['reserve_host_ports'] === true,
  bloatReduction: values['bloat_reduction'] === 'none' ? 'none' : 'fq_codel',
})
const containers = new Containers(isolator, String(values['work_dir']))
const { recovered, unknown, ended } = await containers.recover()
console.log(`recovered: ${list(recovered)}; ended meanwhile: ${list(ended)}; not ours: ${list(unknown)}`)

const statistics = createStatisticsHandler(isolator, {
  describe: id => containers.description(id),
  extraStatistics: id => containers.limits(id),
})
const registry = new Registry()
registerMetrics(isolator, registry)
const route = createRouter(containers, registry)
const server = createServer(LIMITS, (request, response) => {
  const refusal = refusalOf(request, { hosts: namesOf(server), token })
  if (refusal) {
    answer(response, refusal.status, { error: refusal.error })
    return
  }
  statistics(request, response, () => {
    void route(request, response)
  })
})
server.maxConnections = MAX_CONNECTIONS
server.setTimeout(IDLE_MS)
server.on('connection', socket => {
  if (isFromContainer(socket, isolator.list())) socket.destroy()
})
const socket = String(values['socket'])
if (port === undefined) await listenForGroup(server, socket, text('socket_group'))
else await listenOnPort(server, String(values['ip']), Number(port))
const where = port === undefined ? socket : `http://${[...namesOf(server)][0]}`
console.log(`listening on ${where}, for ${JSON.stringify(resources)}`)

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
