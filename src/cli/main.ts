import { EXIT } from './exit-codes.js'
import { run } from './run.js'
import { showsColours, type Terminal } from './terminal.js'

const { stdin, stdout, stderr, env, argv } = process

// `rtnetlink filters | head`: nobody reads any more, and nobody wants to know.
for (const stream of [stdout, stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    process.exit(error.code === 'EPIPE' ? EXIT.fine : EXIT.failed)
  })

function interruption(): AbortSignal {
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => {
      stop.abort()
    })
  return stop.signal
}

const terminal: Terminal = {
  write: text => stdout.write(text),
  warn: line => stderr.write(`${line}\n`),
  isTerminal: stdout.isTTY,
  // 0 columns has a terminal that does not know its width.
  width: (stdout.isTTY && stdout.columns) || undefined,
  coloured: showsColours(stdout.isTTY, env),
  ask: stdin.isTTY && stderr.isTTY ? ask : undefined,
}

/** Reads an answer from the terminal, `''` for Ctrl-C and Ctrl-D. The question is no part of the output. */
function ask(question: string): Promise<string> {
  const { createInterface } = process.getBuiltinModule('node:readline')
  const lines = createInterface({ input: stdin, output: stderr })
  return new Promise(resolve => {
    lines.once('close', () => {
      resolve('')
    })
    lines.question(question, answer => {
      resolve(answer)
      lines.close()
    })
  })
}

void run(argv.slice(2), terminal, interruption, env['RTNETLINK_DEBUG'] === '1').then(code => {
  process.exitCode = code
})
