/** `npm run soak -- [seconds]`: test/soak for so long, ten minutes by default. `SOAK_SEED` repeats a run. */
import { ready } from './ready.js'
import { runTypescript } from './run-typescript.js'

process.env['SOAK_SECONDS'] = process.argv[2] ?? '600'
process.exitCode = (await ready(['dependencies', 'addon']))
  ? await runTypescript('test/soak/soak.test.ts', [], { sandboxed: true })
  : 1
