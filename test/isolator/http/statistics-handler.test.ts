import { once } from 'node:events'
import { createServer, request, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import {
  createStatisticsHandler,
  type StatisticsEntry,
  type StatisticsHandler,
  type StatisticsSource,
} from '../../../src/isolator/http/statistics-handler.js'
import { needsIsolation, twoContainers } from '../isolated-topology.js'
import { MONITORING, networkOnly, shapeOf } from './documents.js'

interface Answer {
  status: number | undefined
  headers: IncomingHttpHeaders
  body: string
}

type Ask = (path: string, method?: string) => Promise<Answer>

/** The entries of an answer; numbers beyond 2^53 are rounded, as everywhere in JavaScript. */
const entriesOf = ({ body }: Answer): StatisticsEntry[] => JSON.parse(body) as StatisticsEntry[]

/** A server on a free port of the loopback interface; it ends with the test. */
async function serve(t: Test, handler: StatisticsHandler): Promise<Ask> {
  const server = createServer((request, response) => {
    handler(request, response)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const { port } = server.address() as AddressInfo
  return async (path, method = 'GET') => {
    const sent = request({ host: '127.0.0.1', port, path, method, agent: false }).end()
    const [response] = (await once(sent, 'response')) as [IncomingMessage]
    const body = await text(response)
    return { status: response.statusCode, headers: response.headers, body }
  }
}

const COUNTERS = {
  timestamp: 1408043826.91626,
  net_rx_packets: 2n ** 53n + 1n,
  net_rx_bytes: 2n ** 64n - 1n,
  net_rx_errors: 0n,
  net_rx_dropped: 0n,
  net_tx_packets: 1n,
  net_tx_bytes: 2n,
  net_tx_errors: 0n,
  net_tx_dropped: 0n,
}

/** An isolator of containers with the same statistics; `read` is called for each reading. */
function containers(ids: string[], read: () => unknown = () => undefined): StatisticsSource {
  const usageAll = async (): Promise<Map<string, unknown>> => {
    await read()
    return new Map(ids.map(id => [id, COUNTERS]))
  }
  return { usageAll: usageAll as StatisticsSource['usageAll'] }
}

t.test('what the documents show, by either name', async t => {
  const ask = await serve(t, createStatisticsHandler(containers(['web-1'])))
  const paths = ['/monitor/statistics', '/monitor/statistics.json', '/slave(1)/monitor/statistics?jsonp=x']
  for (const path of paths) {
    const { status, headers, body } = await ask(path)
    t.equal(status, 200, path)
    t.match(headers, { 'content-type': 'application/json', 'content-length': `${body.length}` })
    t.strictSame(shapeOf(JSON.parse(body)), [shapeOf(networkOnly(MONITORING))])
    t.match(body, '"net_rx_bytes":18446744073709551615,', 'not rounded')
    t.match(body, '"net_rx_packets":9007199254740993,')
  }
  const head = await ask('/monitor/statistics', 'HEAD')
  t.match(head, { status: 200, body: '' })
  t.equal(head.headers['content-length'], (await ask('/monitor/statistics')).headers['content-length'])
})

t.test('the caller adds what the isolator does not know', async t => {
  const { executor_id, executor_name, framework_id, source, statistics } = MONITORING
  const ask = await serve(
    t,
    createStatisticsHandler(containers(['web-1', 'web-2']), {
      describe: async id =>
        id === 'web-1' ? { executor_id, executor_name, framework_id, source } : { executor_name: 'two' },
      extraStatistics: id => (id === 'web-1' ? { ...statistics, timestamp: 0, net_rx_bytes: 0 } : {}),
    }),
  )
  const [first, second] = entriesOf(await ask('/monitor/statistics'))
  t.strictSame(shapeOf(first), shapeOf(MONITORING))
  t.strictSame(Object.keys(first!.statistics), Object.keys(statistics), 'in the order of the document')
  t.match(first, { executor_id, source, statistics: { mem_rss_bytes: 140341248, net_tx_bytes: 2 } })
  t.equal(first!.statistics.timestamp, COUNTERS.timestamp, 'what the isolator knows is not replaced')
  t.match(second, { executor_id: 'web-2', executor_name: 'two', framework_id: '', source: 'web-2' })
})

t.test('other paths and methods', async t => {
  const handler = createStatisticsHandler(containers([]))
  const ask = await serve(t, handler)
  t.match(await ask('/monitor/statistics'), { status: 200, body: '[]' })
  for (const path of ['/', '/monitor', '/monitor/statisticsX', '/slave(x)/monitor/statistics'])
    t.match(await ask(path), { status: 404, body: /^{"error":"no such path: / })
  for (const method of ['POST', 'PUT', 'DELETE']) {
    const { status, headers, body } = await ask('/monitor/statistics', method)
    t.equal(status, 405)
    t.equal(headers.allow, 'GET, HEAD')
    t.match(JSON.parse(body), { error: `${method} is not for statistics: use GET` })
  }
  const other = await serve(t, (request, response) => {
    handler(request, response, () => response.end('the next handler'))
  })
  t.equal((await other('/metrics')).body, 'the next handler')
  t.equal((await other('/monitor/statistics')).body, '[]')
})

t.test('what another handler has answered is left alone', async t => {
  let answerMeanwhile = (): void => undefined
  let readings = 0
  const source = containers(['web-1'], () => {
    readings++
    answerMeanwhile()
  })
  const handler = createStatisticsHandler(source)
  const before = await serve(t, (request, response) => {
    response.writeHead(401).end('who are you?')
    handler(request, response)
  })
  for (const method of ['GET', 'HEAD', 'POST']) {
    const { status, body } = await before('/monitor/statistics', method)
    t.strictSame([status, body], [401, method === 'HEAD' ? '' : 'who are you?'], method)
  }
  t.equal(readings, 0, 'the kernel is not read for nobody')
  for (const fails of [false, true]) {
    const meanwhile = await serve(t, (request, response) => {
      answerMeanwhile = () => {
        response.writeHead(503).end('too slow')
        if (fails) throw new Error('no buffer space')
      }
      handler(request, response)
    })
    t.match(await meanwhile('/monitor/statistics'), { status: 503, body: 'too slow' })
  }
  answerMeanwhile = () => undefined
  const open = await serve(t, handler)
  t.equal((await open('/monitor/statistics')).status, 200, 'otherwise it answers')
})

t.test('a failure does not stay', async t => {
  let fails = true
  const broken = containers(['web-1'], () => {
    if (fails) throw Object.assign(new Error('no buffer space'), { code: 'ENOBUFS' })
  })
  const again = await serve(t, createStatisticsHandler(broken))
  const { status, body } = await again('/monitor/statistics')
  t.equal(status, 500)
  t.strictSame(JSON.parse(body), { error: 'no buffer space', code: 'ENOBUFS' })
  fails = false
  t.equal((await again('/monitor/statistics')).status, 200)
})

t.test('requests at the same time share one reading', async t => {
  let readings = 0
  let open = (): void => undefined
  const gate = new Promise<void>(resolve => {
    open = resolve
  })
  const handler = createStatisticsHandler(
    containers(['web-1'], () => {
      readings++
      return gate
    }),
  )
  let arrived = 0
  const ask = await serve(t, (request, response) => {
    handler(request, response)
    if (++arrived === 5) open()
  })
  const answers = await Promise.all(Array.from({ length: 5 }, () => ask('/monitor/statistics')))
  t.equal(readings, 1)
  t.equal(new Set(answers.map(({ body }) => body)).size, 1)
  await ask('/monitor/statistics')
  t.equal(readings, 2)
})

t.test('an isolator that runs', needsIsolation(), async t => {
  const { isolator } = await twoContainers(t)
  const ask = await serve(t, createStatisticsHandler(isolator))
  const entries = entriesOf(await ask('/monitor/statistics'))
  t.strictSame(
    entries.map(({ executor_id }) => executor_id),
    ['web-1', 'web-2'],
  )
  for (const { statistics, ...entry } of entries) {
    // Newer than the documents, in mesos.proto.
    const { net_ephemeral_ports, ...documented } = statistics
    t.match(net_ephemeral_ports, { begin: Number, end: Number })
    t.strictSame(shapeOf({ ...entry, statistics: documented }), shapeOf(networkOnly(MONITORING)))
  }
})
