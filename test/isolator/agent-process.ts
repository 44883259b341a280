import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { request, type ClientRequestArgs, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import type { Test } from 'tap'
import { tcpSocketIn } from '../helpers/namespace-sockets.js'
import type { NamespaceRef } from '../helpers/topology.js'
import { startExample } from './example-process.js'

/** Where an agent is asked: by its unix socket, or by TCP from inside a namespace. */
export type Address = string | { from: NamespaceRef; port: number; host?: string; localAddress?: string }

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

const RELAY = `
const { connect, createServer } = require('node:net')
const [from, to] = process.argv.slice(1)
createServer(caller => {
  const agent = connect(to)
  for (const [one, other] of [[caller, agent], [agent, caller]])
    one.on('error', () => {}).on('close', () => other.destroySoon()).pipe(other)
}).listen(from, () => console.log('there'))`

/**
 * A unix socket beside the agent's by which requests come from the agent's host, as those of its users do: whoever calls from another
 * network namespace counts as a container.
 */
export async function askedFrom(t: Test, host: NamespaceRef, socket: string): Promise<string> {
  const relay = `${socket}.relay`
  const child = spawn('nsenter', [`--net=${host.path}`, process.execPath, '-e', RELAY, relay, socket], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  await once(child.stdout, 'data')
  return relay
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
            tcpSocketIn(address.from, address.localAddress).connect(
              address.port,
              address.host ?? '127.0.0.1',
            ),
          port: address.port,
        }
  const sent = request({ ...to, method, path, headers })
  sent.end(body === undefined ? undefined : JSON.stringify(body))
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  return { status: response.statusCode, body: await text(response) }
}
