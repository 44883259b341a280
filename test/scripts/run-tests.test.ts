import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { canCreateNamespaces } from '../helpers/privilege.js'

interface Report {
  passed: number
  failed: number
}
interface Group {
  files: string[]
  atOnce: number
}

const script = async (name: string): Promise<unknown> =>
  import(fileURLToPath(new URL(`../../scripts/${name}`, import.meta.url)))
const { runTests } = (await script('run-tests.js')) as {
  runTests: (groups: Group[], prefix: readonly string[]) => Promise<Report>
}
const { sandbox } = (await script('sandbox.js')) as { sandbox: () => { prefix?: string[] } }
const { grouped, longestFirst } = (await script('test-order.js')) as {
  grouped: (files: string[]) => { beside: string[]; alone: string[] }
  longestFirst: (files: string[]) => string[]
}

/** What a run of fixtures comes to, and the lines that it prints, which would count as results here. */
async function ran(
  t: Test,
  groups: Group[],
  prefix: readonly string[] = [],
): Promise<{ report: Report; lines: string[] }> {
  const printed = t.capture(console, 'log')
  const inFolder = (name: string): string => `test/scripts/fixtures/${name}.ts`
  const report = await runTests(
    groups.map(({ files, atOnce }) => ({ files: files.map(inFolder), atOnce })),
    prefix,
  )
  printed.restore()
  return { report, lines: printed().map(({ args }) => String(args[0])) }
}

t.test('a file that passes, one that fails, one that a signal ends', async t => {
  const { report, lines } = await ran(t, [{ files: ['passes', 'fails', 'crashes'], atOnce: 2 }])
  t.match(report, { passed: 3, failed: 2 })
  t.match(
    lines.find(line => line.includes('passes')),
    /^ok {3}test\/scripts\/fixtures\/passes.ts: 1 passed/,
  )
  t.match(
    lines.find(line => line.includes('fixtures/fails')),
    /^FAIL .*: 1 passed, 1 failed/,
  )
  t.match(
    lines.find(line => line.includes('fixtures/crashes')),
    /^FAIL .*: 1 passed, 1 failed/,
  )
})

t.test('a file that ends well and says nothing', async t => {
  const { report, lines } = await ran(t, [{ files: ['asserts-nothing', 'ends-early'], atOnce: 2 }])
  t.match(report, { failed: 2 })
  t.equal(lines.join('\n').match(/ended: no plan/g)?.length, 2)
})

t.test('groups run one after the other', async t => {
  const { lines } = await ran(t, [
    { files: ['passes'], atOnce: 2 },
    { files: [], atOnce: 2 },
    { files: ['fails'], atOnce: 1 },
  ])
  const files = lines.filter(line => /^(ok|FAIL) /.test(line))
  t.match(files, [/passes/, /fails/])
})

t.test('a process that a file has left behind is not waited for', async t => {
  const began = performance.now()
  const { report, lines } = await ran(t, [{ files: ['leaves-process'], atOnce: 1 }])
  t.match(report, { passed: 1, failed: 0 }, lines.join('\n'))
  t.ok(performance.now() - began < 25_000)
})

t.test('files have a /run each', canCreateNamespaces(), async t => {
  const { prefix = [] } = sandbox()
  const { report } = await ran(t, [{ files: ['names-run', 'names-run'], atOnce: 2 }], prefix)
  t.match(report, { passed: 2, failed: 0 })
})

t.test('the order of files', async t => {
  const files = ['test/a.test.ts', 'test/soak/soak.test.ts', 'test/isolator/recover-killed.test.ts']
  t.strictSame(grouped(files), {
    beside: ['test/isolator/recover-killed.test.ts', 'test/a.test.ts'],
    alone: ['test/soak/soak.test.ts'],
  })
  t.strictSame(longestFirst(['test/b.test.ts', 'test/a.test.ts']), ['test/a.test.ts', 'test/b.test.ts'])
})
