import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const FORBID = '--disallow-code-generation-from-strings'
const cwd = fileURLToPath(new URL('../../../', import.meta.url))

/** What encodes and decodes has to pass as well where functions cannot be made of source text. */
const files = [
  'test/netlink/codec/attributes.test.ts',
  'test/netlink/codec/by-kind.test.ts',
  'test/netlink/codec/numbered.test.ts',
  'test/netlink/codec/struct.test.ts',
  'test/netlink/round-trip.test.ts',
  'test/goldens.test.ts',
]

t.test('generate tells where it may not', async t => {
  const probe = `import { generate } from './src/input/generate.ts'; console.log(generate({ one: 1 }, 'one'))`
  const run = (...flags: string[]): string =>
    spawnSync(process.execPath, [...process.execArgv, ...flags, '--input-type=module', '-e', probe], { cwd })
      .stdout.toString()
      .trim()
  t.equal(run(), '1')
  t.equal(run(FORBID), 'undefined')
})

for (const file of files) void t.spawn(process.execPath, [...process.execArgv, FORBID, file], { cwd }, file)
