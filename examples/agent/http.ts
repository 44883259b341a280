import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Containers } from './containers.js'
import type { Metrics } from './metrics.js'
import { BadRequest, parseSpec } from './spec.js'

const MAX_BODY = 65_536

/** HTTP status of the isolator's errors; the others are the agent's own fault. */
const STATUS: Readonly<Record<string, number>> = {
  ERR_INVALID_OPTION: 400,
  ERR_PORTS_UNMANAGED: 400,
  ERR_PORTS_OVERLAP: 409,
  ERR_PORTS_IN_USE: 409,
  ERR_PORTS_EXHAUSTED: 503,
  ERR_CONTAINER_EXISTS: 409,
  ERR_CONTAINER_UNKNOWN: 404,
}

/** Everything but the statistics endpoint. Answers are JSON, those of /metrics apart. */
export function createRouter(
  containers: Containers,
  metrics: Metrics,
): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  return async (request, response) => {
    try {
      await route(request, response, containers, metrics)
    } catch (error) {
      const { message, code = '' } = error as NodeJS.ErrnoException
      const status = error instanceof BadRequest ? 400 : (STATUS[code] ?? 500)
      if (!response.headersSent) answer(response, status, { error: message, ...(code !== '' && { code }) })
    }
  }
}

async function route(
  request: IncomingMessage,
  response: ServerResponse,
  containers: Containers,
  metrics: Metrics,
): Promise<void> {
  const { method = 'GET', url = '/' } = request
  const [path = '/'] = url.split('?', 1)
  const [, id = ''] = /^\/containers\/([^/]+)$/.exec(path) ?? []
  switch (`${method} ${id === '' ? path : '/containers/:id'}`) {
    case 'GET /metrics':
      response.setHeader('Content-Type', metrics.contentType)
      response.end(await metrics.read())
      return
    case 'GET /containers':
      answer(response, 200, containers.list())
      return
    case 'GET /containers/:id': {
      const container = containers.list().find(container => container.id === id)
      answer(response, container ? 200 : 404, container ?? { error: `'${id}' is not here` })
      return
    }
    case 'POST /containers':
      if (mayChange(request, response, containers))
        answer(response, 201, await containers.start(parseSpec(await bodyOf(request))))
      return
    case 'DELETE /containers/:id': {
      if (!mayChange(request, response, containers)) return
      const stopped = await containers.stop(id)
      answer(response, stopped ? 200 : 404, stopped ? { stopped: id } : { error: `'${id}' is not here` })
      return
    }
    default:
      answer(response, 404, {
        error: `no ${method} ${path}; there are GET and POST /containers, GET and DELETE /containers/:id, GET /metrics, GET /monitor/statistics`,
      })
  }
}

/**
 * Whoever may start processes here is root. Listening on the loopback interface keeps the network out, but not the
 * containers, which reach it too, nor web pages, which may send simple requests anywhere. The port that a request comes
 * from tells a container: it can have no others than its own.
 */
function mayChange(request: IncomingMessage, response: ServerResponse, containers: Containers): boolean {
  const container = containers.ownerOf(request.socket.remotePort ?? 0)
  if (container !== undefined) {
    answer(response, 403, { error: `'${container}' is a container: it may not change others` })
    return false
  }
  if (request.method === 'POST' && !/^application\/json\b/.test(request.headers['content-type'] ?? '')) {
    answer(response, 415, { error: 'expected Content-Type: application/json' })
    return false
  }
  return true
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = ''
  request.setEncoding('utf8')
  for await (const chunk of request) {
    body += String(chunk)
    if (body.length > MAX_BODY) throw new BadRequest(`more than ${MAX_BODY} characters`)
  }
  return body
}

function answer(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'Content-Type': 'application/json' })
  response.end(JSON.stringify(body))
}
