/** `npm run hostile`: attacks our layout and the classic one and prints how each fared. */
import { ready } from './ready.js'
import { runTypescript } from './run-typescript.js'

process.exitCode = (await ready())
  ? await runTypescript('test/hostile/report.ts', [], { sandboxed: true })
  : 1
