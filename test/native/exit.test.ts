import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const program = fileURLToPath(new URL('fixtures/leave-open.ts', import.meta.url))

interface Ending {
  status: number | null
  signal: string | null
  output: string
  /** From having nothing left to do to the end, in milliseconds. */
  lingered: number
}

/** Kills it 20 s after it has nothing left to do, which shows as a signal. */
async function run(name: string): Promise<Ending> {
  const child = spawn(process.execPath, [...process.execArgv, program, name], {
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: 120_000,
  })
  const lines: string[] = []
  let ready = Infinity
  createInterface(child.stdout).on('line', line => {
    if (line !== 'ready') return void lines.push(line)
    ready = performance.now()
    setTimeout(() => child.kill(), 20_000).unref()
  })
  const exited = once(child, 'exit').then(() => performance.now())
  const [status, signal] = (await once(child, 'close')) as [number | null, string | null]
  return { status, signal, output: lines.join(' '), lingered: (await exited) - ready }
}

const expected: Record<string, Partial<Ending>> = {
  'ends by itself with an idle socket': { status: 0, output: '' },
  'ends by itself before the answer': { status: 0 },
  'waits for the answer when referenced': { status: 0, output: 'answered' },
  'waits for files': { status: 0, output: 'Linux' },
  'calls process.exit() with requests under way': { status: 7 },
  'throws from an event': { status: 0, output: 'uncaught: from onEvent' },
}

for (const [name, ending] of Object.entries(expected)) {
  t.test(`a process ${name}`, async t => {
    const { lingered, ...ended } = await run(name)
    t.match(ended, { signal: null, ...ending })
    // One that a socket keeps alive is killed; on a busy machine the others take a second or two.
    t.ok(lingered < 5000, `lingers for ${lingered.toFixed()} ms`)
  })
}
