import { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import t from 'tap'

interface Report {
  passed: number
  failed: number
}

const path = fileURLToPath(new URL('../../scripts/tap-report.js', import.meta.url))
const { reportTap } = (await import(path)) as { reportTap: (stream: Readable) => Promise<Report> }

const HEAD = 'TAP version 14\n'
const FILE = '# Subtest: a.test.ts\n    ok 1 - x\n    1..1\nok 1 - a.test.ts # time=5ms\n'

const STREAMS: Record<string, [text: string, passed: number, failed: number]> = {
  'a run of one file': [`${HEAD}${FILE}1..1\n`, 1, 0],
  'a run of none': [`${HEAD}1..0\n`, 0, 0],
  'a run that has not begun': ['', 0, 1],
  'a run that ended in its first file': [`${HEAD}# Subtest: a.test.ts\n`, 0, 1],
  'a run that ended before its second file': [`${HEAD}${FILE}`, 1, 1],
  'a run with a failure': [`${HEAD}not ok 1 - a.test.ts\n1..1\n`, 0, 1],
}

for (const [what, [text, passed, failed]] of Object.entries(STREAMS)) {
  t.test(what, async t => {
    // It prints what would count as results here.
    const printed = t.capture(console, 'log')
    const report = await reportTap(Readable.from([Buffer.from(text)]))
    printed.restore()
    t.match(report, { passed, failed })
  })
}

t.test('a failure that says much does not bury the others', async t => {
  const lines = Array.from({ length: 500 }, (_, i) => `        line ${i} ${'x'.repeat(1000)}`).join('\n')
  const failure = `# Subtest: a.test.ts\n    not ok 1 - x\n      ---\n      diff: |\n${lines}\n      ...\n    1..1\nnot ok 1 - a.test.ts\n`
  const printed = t.capture(console, 'log')
  await reportTap(Readable.from([Buffer.from(`${HEAD}${failure}1..1\n`)]))
  printed.restore()
  const text = printed().flatMap(({ args }) => String(args[0]).split('\n'))
  t.ok(text.length < 70 && text.every(line => line.length < 310), `${text.length} lines`)
  t.match(text, [/^FAIL a\.test\.ts/, /not ok: .*x/])
  t.match(text.at(-1), /^ +… \d+ lines more$/)
})
