import t from 'tap'
import { qdisc } from '../../src/index.js'
import { jsonText } from '../../src/cli/json-text.js'
import { optionWordsOf } from '../../src/cli/netlink/words.js'
import { shortNumber } from '../../src/cli/short-number.js'
import { tableLines, type Column } from '../../src/cli/table.js'
import { showsColours } from '../../src/cli/terminal.js'

interface Fruit {
  name: string
  count: number
  note?: string
}

const columns: Column<Fruit>[] = [
  { title: 'NAME', of: ({ name }) => name },
  { title: 'COUNT', align: 'right', of: ({ count }) => ({ text: `${count}`, colour: 'red' }) },
  { title: 'NOTE', of: ({ note }) => note },
]

const fruits: Fruit[] = [
  { name: 'fig', count: 7 },
  { name: 'pomegranate', count: 1234567, note: 'red' },
]

const ESCAPE = String.fromCharCode(27)
const SGR = new RegExp(`${ESCAPE}\\[\\d+m`, 'g')
const SGR_ON = new RegExp(`${ESCAPE}\\[[1-9]\\d*m`, 'g')

const plain = { coloured: false }

t.test('columns are aligned, lines end in no blanks', async t =>
  t.strictSame(tableLines(columns, fruits, plain), [
    'NAME           COUNT  NOTE',
    'fig                7',
    'pomegranate  1234567  red',
  ]),
)

t.test('an empty column is left out', async t =>
  t.strictSame(tableLines(columns, fruits.slice(0, 1), plain), ['NAME  COUNT', 'fig       7']),
)

t.test('lines are cut at the width of a terminal', async t => {
  for (const width of [1, 11, 12, 13, 15, 22, 24, 25, 26, 80]) {
    const [whole, cut] = [
      tableLines(columns, fruits, plain),
      tableLines(columns, fruits, { width, ...plain }),
    ]
    cut.forEach((line, i) => {
      t.ok(Array.from(line).length <= width, `${width}: ${line}`)
      t.ok(whole[i]!.startsWith(line.replace(/ *….*$/, '').trimEnd()), `${width}: ${line} is the beginning`)
    })
  }
  t.strictSame(tableLines(columns, fruits, { width: 16, ...plain }), [
    'NAME           …',
    'fig            …',
    'pomegranate  12…',
  ])
})

t.test('colours take no room', async t => {
  const without = (line: string): string => line.replace(SGR, '')
  for (const width of [undefined, 14, 22]) {
    const coloured = tableLines(columns, fruits, { width, coloured: true })
    t.match(coloured.join(), '\x1b[31m')
    t.strictSame(coloured.map(without), tableLines(columns, fruits, { width, ...plain }))
    for (const line of coloured)
      t.equal(line.split('\x1b[0m').length - 1, line.match(SGR_ON)?.length ?? 0, 'each ends')
  }
})

t.test('control sequences in names do not reach the terminal', async t =>
  t.strictSame(tableLines(columns, [{ name: '\x1b[2J\u202ebad\n', count: 1 }], plain), [
    'NAME                       COUNT',
    '\\u{1b}[2J\\u{202e}bad\\u{a}      1',
  ]),
)

t.test('nor do they in JSON, which reads back the same', async t => {
  const names = ['\x1b[2J', '\x7f\x9b31m', '\u202ebad', '\u2028', '\u{e0001}', '\ud800', 'é"\\\n']
  const text = jsonText({ names })
  t.strictSame(JSON.parse(text), { names })
  t.notMatch(text, /[^\n\x20-\x7eé]/)
  t.equal(jsonText([1], { indent: 0 }), '[1]')
})

t.test('as many rows as there are', async t => {
  const many = Array.from({ length: 200_000 }, (_, i) => ({ name: `${i}`, count: i }))
  t.equal(tableLines(columns.slice(0, 1), many, plain).length, many.length + 1)
})

t.test('options of a kind that is not modelled, by their length', async t => {
  const words = (bytes: number) =>
    optionWordsOf(qdisc, {
      ...{ dev: 'eth0', kind: 'cake', parent: 'root' },
      options: new Uint8Array(bytes),
    } as never)
  t.strictSame([words(4), words(1)], ['4 bytes', '1 byte'])
})

t.test('colours only for a terminal that knows them, where nobody minds', async t => {
  t.equal(showsColours(true, {}), true)
  t.equal(showsColours(false, {}), false)
  t.equal(showsColours(true, { NO_COLOR: '1' }), false)
  t.equal(showsColours(true, { NO_COLOR: '' }), true, 'an empty NO_COLOR is none')
  t.equal(showsColours(true, { TERM: 'dumb' }), false)
})

t.test('numbers in few characters', async t => {
  const texts = [0, 9999, 10_000, 12_345, 999_949, 999_950, 1_500_000n, 2n ** 64n - 1n].map(shortNumber)
  t.strictSame(texts, ['0', '9999', '10.0k', '12.3k', '999.9k', '1.0M', '1.5M', '18.4E'])
})
