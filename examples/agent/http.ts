import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Registry } from 'prom-client'
import { answer } from 'rtnetlink-cni/http'
import type { Containers } from './containers.js'
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
  metrics: Registry,
): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  return async (request, response) => {
    try {
      await route(request, response, containers, metrics)
    } catch (error) {
      const { message, code = '' } = error as NodeJS.ErrnoException
      const status =
        error instanceof TooLarge ? 413 : error instanceof BadRequest ? 400 : (STATUS[code] ?? 500)
      answer(response, status, { error: message, ...(code !== '' && { code }) })
    }
  }
}

async function route(
  request: IncomingMessage,
  response: ServerResponse,
  containers: Containers,
  metrics: Registry,
): Promise<void> {
  const { method = 'GET', url = '/' } = request
  const [path = '/'] = url.split('?', 1)
  const [, id = ''] = /^\/containers\/([^/]+)$/.exec(path) ?? []
  switch (`${method} ${id === '' ? path : '/containers/:id'}`) {
    case 'GET /metrics':
      response.setHeader('Content-Type', metrics.contentType)
      response.end(await metrics.metrics())
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
      answer(response, 201, await containers.start(parseSpec(await bodyOf(request))))
      return
    case 'DELETE /containers/:id': {
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

/** Reads a body to its end, also one that is too large: whoever is still sending when the connection ends misses the answer. */
async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size <= MAX_BODY) chunks.push(chunk)
  }
  if (size > MAX_BODY) throw new TooLarge()
  return Buffer.concat(chunks).toString()
}

class TooLarge extends Error {
  constructor() {
    super(`more than ${MAX_BODY} bytes`)
  }
}
