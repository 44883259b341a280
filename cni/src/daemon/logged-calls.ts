import type { Logger } from 'pino'
import { isObject } from '../network/go-json.js'
import { invoke } from '../plug-in/invoke.js'
import type { Isolators } from '../plug-in/isolators.js'
import type { Call, Reply } from '../spec/call.js'
import { CODE } from '../spec/cni-error.js'
import type { DaemonMetrics } from './daemon-metrics.js'

/** Errors whose message quotes what the runtime sent as a whole, where a secret may be. */
const QUOTING: readonly unknown[] = [CODE.invalidEnvironment, CODE.decoding]

/** Calls that only look: in the log where they fail, and otherwise for who debugs. */
const LOOKING: readonly unknown[] = ['CHECK', 'STATUS', 'VERSION']

/** Does what a call asks for, writes a line on it, and counts it. Of the configuration only the network's name is written. */
export async function loggedCall(
  call: Call,
  isolators: Isolators,
  log: Logger,
  { calls }: DaemonMetrics,
): Promise<Reply> {
  const began = performance.now()
  const reply = await invoke(call, isolators)
  const milliseconds = performance.now() - began
  const { CNI_COMMAND: command = '', CNI_CONTAINERID: container } = call.environment
  const { code, msg } = errorIn(reply)
  calls.observe({ command: knownCommand(command), code: String(code) }, milliseconds / 1000)
  const line = {
    ...{ command, container, network: nameIn(call.input), ms: Math.round(milliseconds * 10) / 10 },
    ...(reply.status === 1 && { code, ...(!QUOTING.includes(code) && { reason: msg }) }),
  }
  if (reply.status === 1) log.warn(line, 'refused')
  else if (LOOKING.includes(command)) log.debug(line, 'done')
  else log.info(line, 'done')
  return reply
}

/** A label has few values, whatever is asked for. */
const knownCommand = (command: string): string =>
  ['ADD', 'DEL', 'CHECK', 'GC', 'STATUS', 'VERSION'].includes(command) ? command : 'other'

function errorIn({ status, output }: Reply): { code: unknown; msg: unknown } {
  if (status === 0) return { code: 0, msg: undefined }
  const { code, msg } = JSON.parse(output) as Record<string, unknown>
  return { code, msg }
}

function nameIn(input: string): unknown {
  try {
    const network: unknown = JSON.parse(input)
    return isObject(network) && typeof network['name'] === 'string' ? network['name'] : undefined
  } catch {
    return undefined
  }
}
