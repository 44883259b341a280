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
