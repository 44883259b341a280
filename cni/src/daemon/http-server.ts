import { createServer, type Server, type ServerResponse } from 'node:http'
import type { Registry } from 'prom-client'
import { createStatisticsHandler } from 'rtnetlink'
import { isFromContainer, refusalOf, type Admission } from '../http/access.js'
import { answer } from '../http/answer.js'
import { IDLE_MS, LIMITS, MAX_CONNECTIONS } from '../http/limits.js'
import type { HeldIsolator } from './held-isolator.js'

/**
 * /metrics, /monitor/statistics and /healthz.
 *
 * @param admission is asked at each request: the names of the server are known once it listens
 */
export function createHttpServer(
  isolator: HeldIsolator,
  registry: Registry,
  admission: () => Admission,
): Server {
  const statistics = createStatisticsHandler(isolator)
  const server = createServer(LIMITS, (request, response) => {
    const refusal = refusalOf(request, admission())
    if (refusal) {
      answer(response, refusal.status, { error: refusal.error })
      return
    }
    statistics(request, response, () => {
      void route(`${request.method} ${request.url?.split('?', 1)[0]}`, response, isolator, registry)
    })
  })
  server.maxConnections = MAX_CONNECTIONS
  server.setTimeout(IDLE_MS)
  server.on('connection', socket => {
    if (isFromContainer(socket, isolator.list())) socket.destroy()
  })
  return server
}

async function route(
  what: string,
  response: ServerResponse,
  isolator: HeldIsolator,
  registry: Registry,
): Promise<void> {
  try {
    switch (what) {
      case 'GET /metrics': {
        const text = await registry.metrics()
        response.setHeader('Content-Type', registry.contentType)
        response.end(text)
        return
      }
      case 'GET /healthz': {
        const { reason } = isolator
        const containers = isolator.list().length
        answer(response, reason === undefined ? 200 : 503, reason === undefined ? { containers } : { reason })
        return
      }
      default:
        answer(response, 404, { error: `no ${what}; there are GET /metrics, /monitor/statistics, /healthz` })
    }
  } catch (error) {
    answer(response, 500, { error: (error as Error).message })
  }
}
