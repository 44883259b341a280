import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { NamespaceRef } from '../../../test/helpers/topology.js'
import { quantile } from '../statistics.js'

export interface Pings {
  readonly sent: number
  readonly answered: number
  /** Milliseconds, of the answers. */
  readonly p50: number
  readonly p99: number
}

/** Seconds between two echo requests, and until the last answer is given up. */
const INTERVAL = 0.02
const PATIENCE = 3

/** Pings from inside a namespace, by the `ping` of iputils. */
export async function ping(from: NamespaceRef, address: string, seconds: number): Promise<Pings> {
  const sent = Math.round(seconds / INTERVAL)
  const options = ['-n', '-i', String(INTERVAL), '-c', String(sent), '-W', String(PATIENCE), address]
  const child = spawn('nsenter', [`--net=${from.path}`, 'ping', ...options], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let text = ''
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()))
  await once(child, 'close')
  const times = [...text.matchAll(/time=([\d.]+) ms/g)].map(([, time]) => Number(time))
  if (times.length === 0) throw new Error(`ping ${address}: no answer\n${text}`)
  return { sent, answered: times.length, p50: quantile(times, 0.5), p99: quantile(times, 0.99) }
}
