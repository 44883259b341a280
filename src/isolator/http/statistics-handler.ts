import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { callback, having, object, optional, text, type InputOf } from '../../input/index.js'
import { isolatorArgument } from '../options/declared.js'
import type { PortMappingIsolator } from '../port-mapping-isolator.js'
import type { ResourceStatistics } from '../statistics/resource-statistics.js'
import { exactJson } from '../mesos/exact-json.js'

/** What of the isolator this needs. */
export type StatisticsSource = Pick<PortMappingIsolator, 'usageAll'>

const description = object({
  /** Default: the container's id. */
  executor_id: optional(text()),
  /** Default: `executor_id`. */
  executor_name: optional(text()),
  /** Default: `''`. */
  framework_id: optional(text()),
  /** Default: `executor_id`. */
  source: optional(text()),
})

/** What an entry says of a container besides its statistics. */
export interface ExecutorDescription extends InputOf<typeof description> {}

type Describe = (id: string) => ExecutorDescription | Promise<ExecutorDescription>
type ExtraStatistics = (id: string) => object | Promise<object>

const handlerOptions = object({
  /** Who a container is. */
  describe: optional(callback<Describe>()),
  /** Statistics that are not the network's, under Mesos's names: `cpus_limit`, `mem_rss_bytes`, … Default: none. */
  extraStatistics: optional(callback<ExtraStatistics>()),
})

/** What the isolator does not know and its caller may. */
export interface StatisticsHandlerOptions extends InputOf<typeof handlerOptions> {}

const checkSource: (isolator: unknown) => void = isolatorArgument(
  'createStatisticsHandler',
  'isolator',
  having<StatisticsSource>('a PortMappingIsolator', 'usageAll'),
)
const checkOptions: (options: unknown) => void = isolatorArgument(
  'createStatisticsHandler',
  'options',
  handlerOptions,
)
const checkDescription: (description: unknown) => void = isolatorArgument(
  'createStatisticsHandler',
  'what describe() returns',
  description,
)

/** One executor of Mesos's `/monitor/statistics`; the keys stand as Mesos writes them, in alphabetical order. */
export interface StatisticsEntry {
  executor_id: string
  executor_name: string
  framework_id: string
  source: string
  /** With bigints: exact beyond 2^53. */
  statistics: ResourceStatistics<bigint>
}

/** For `http.createServer`; where another handler comes after it, `next` is called for every other path. */
export type StatisticsHandler = (
  request: IncomingMessage,
  response: ServerResponse,
  next?: () => void,
) => void

/** `/slave(1)/monitor/statistics` is its name in Mesos, the documents leave the first part out. */
const PATH = /^(?:\/slave\(\d+\))?\/monitor\/statistics(?:\.json)?\/?$/

/**
 * Mesos's `/monitor/statistics` and `/monitor/statistics.json` for `node:http`: the statistics of every container, as an
 * array. Counters are written exactly, also beyond 2^53. Requests that come while the kernel is being read share one
 * reading.
 *
 * @example
 * http.createServer(createStatisticsHandler(isolator)).listen('/run/agent.sock')
 */
export function createStatisticsHandler(
  isolator: StatisticsSource,
  options: StatisticsHandlerOptions = {},
): StatisticsHandler {
  checkSource(isolator)
  checkOptions(options)
  let underWay: Promise<string> | undefined
  const read = (): Promise<string> =>
    (underWay ??= readEntries(isolator, options)
      .then(exactJson)
      .finally(() => {
        underWay = undefined
      }))
  return (request, response, next) => {
    if (!PATH.test(pathOf(request))) {
      if (next) next()
      else answerError(request, response, 404, `no such path: ${pathOf(request)}`)
    } else if (isAnswered(response)) {
      // By a handler before this one: nothing is left to say.
    } else if (request.method !== 'GET' && request.method !== 'HEAD') {
      answerError(request, response, 405, `${request.method} is not for statistics: use GET`, {
        headers: { Allow: 'GET, HEAD' },
      })
    } else {
      read().then(
        body => {
          answer(request, response, 200, body)
        },
        (error: unknown) => {
          answerError(request, response, 500, error instanceof Error ? error.message : String(error), {
            cause: error,
          })
        },
      )
    }
  }
}

async function readEntries(
  isolator: StatisticsSource,
  { describe, extraStatistics }: StatisticsHandlerOptions,
): Promise<StatisticsEntry[]> {
  const all = await isolator.usageAll({ bigint: true })
  return Promise.all(
    Array.from(all, async ([id, statistics]) =>
      entryOf(id, statistics, await described(id, describe), await extraStatistics?.(id)),
    ),
  )
}

async function described(
  id: string,
  describe: Describe | undefined,
): Promise<ExecutorDescription | undefined> {
  const description = await describe?.(id)
  if (description !== undefined) checkDescription(description)
  return description
}

function entryOf(
  id: string,
  statistics: ResourceStatistics<bigint>,
  {
    executor_id = id,
    executor_name = executor_id,
    framework_id = '',
    source = executor_id,
  }: ExecutorDescription = {},
  extra: object = {},
): StatisticsEntry {
  const all = Object.entries({ ...extra, ...statistics }).sort(([a], [b]) => (a < b ? -1 : 1))
  return {
    executor_id,
    executor_name,
    framework_id,
    source,
    statistics: Object.fromEntries(all) as unknown as ResourceStatistics<bigint>,
  }
}

const pathOf = ({ url = '/' }: IncomingMessage): string => url.split('?', 1)[0] ?? '/'

/** Also in the time that reading took: by a handler that sets a limit to it, say. */
const isAnswered = (response: ServerResponse): boolean => response.headersSent || response.writableEnded

function answerError(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  message: string,
  { cause, headers }: { cause?: unknown; headers?: OutgoingHttpHeaders } = {},
): void {
  const code = (cause as { code?: unknown } | undefined)?.code
  answer(request, response, status, exactJson({ error: message, code }), headers)
}

function answer(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  body: string,
  headers: OutgoingHttpHeaders = {},
): void {
  if (isAnswered(response)) return
  response.writeHead(status, {
    ...headers,
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
  })
  response.end(request.method === 'HEAD' ? undefined : body)
}
