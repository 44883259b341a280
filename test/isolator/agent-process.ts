import { once } from 'node:events'
import { request, type ClientRequestArgs, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { tcpSocketIn } from '../helpers/namespace-sockets.js'
import type { NamespaceRef } from '../helpers/topology.js'
import { startExample } from './example-process.js'

/** Where an agent is asked: by its unix socket, or by TCP from inside a namespace. */
export type Address = string | { from: NamespaceRef; port: number; host?: string }

/** examples/agent.ts, as a process in a namespace. */
export interface AgentProcess {
  /** What it has printed up to now. */
  output: () => string
  /** Ends it and waits; resolves with its exit code, null where the signal ended it. */
  end: (signal: NodeJS.Signals) => Promise<number | null>
}

/** Starts the agent, behind a command that confines it, and waits until it listens. Rejects with what it printed if it ends before. */
export async function startAgent(
  namespace: NamespaceRef,
  flags: readonly string[],
  confinement: readonly string[] = [],
): Promise<AgentProcess> {
  const { child, output, prints, exit } = startExample(namespace, 'agent', flags, confinement)
  await prints('listening on')
  const end = (signal: NodeJS.Signals): Promise<number | null> => {
    child.kill(signal)
    return exit
  }
  return { output, end }
}

/** An answer of the agent. */
export interface Answer {
  status: number | undefined
  body: string
}

/** Asks the agent. `body` is sent as JSON. */
export async function ask(
  address: Address,
  method: string,
  path: string,
  body?: unknown,
  headers: ClientRequestArgs['headers'] = { 'Content-Type': 'application/json' },
): Promise<Answer> {
  const to =
    typeof address === 'string'
      ? { socketPath: address, agent: false as const }
      : {
          createConnection: () =>
            tcpSocketIn(address.from).connect(address.port, address.host ?? '127.0.0.1'),
          port: address.port,
        }
  const sent = request({ ...to, method, path, headers })
  sent.end(body === undefined ? undefined : JSON.stringify(body))
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  return { status: response.statusCode, body: await text(response) }
}
