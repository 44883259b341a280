import t from 'tap'
import { formatAlias, parseAlias, type Alias } from '../../../src/isolator/plan/alias.js'

t.test('an alias is read back as it was written', async t => {
  const aliases: [alias: Alias, text: string][] = [
    [{ id: 'web-1', ephemeralPorts: [32768, 33791] }, 'web-1 32768-33791'],
    [{ id: 'a', ephemeralPorts: [1024, 1031], egress: { rate: 38_400_000 } }, 'a 1024-1031 tx=38400000'],
    [
      { id: 'ü:1', ephemeralPorts: [65528, 65535], egress: { rate: 1, ceil: 2, burst: 3 } },
      'ü:1 65528-65535 tx=1,2,3',
    ],
    [{ id: 'b', ephemeralPorts: [2, 3], egress: { rate: 1, ceil: 2 } }, 'b 2-3 tx=1,2'],
  ]
  for (const [alias, text] of aliases) {
    t.equal(formatAlias(alias), text)
    t.strictSame(parseAlias(text), alias)
  }
})

t.test('the longest fits a link', async t => {
  const egress = { rate: 10 ** 12 - 2, ceil: 10 ** 12 - 1, burst: 0xffffffff }
  const alias = formatAlias({ id: 'x'.repeat(200), ephemeralPorts: [64512, 65535], egress })
  t.ok(Buffer.byteLength(alias) <= 255, `${Buffer.byteLength(alias)} of 255 bytes (IFALIASZ, linux/if.h)`)
})

t.test('what is no alias of ours', async t => {
  for (const text of [
    undefined,
    '',
    'web-1',
    'uplink to rack 4',
    'a 5-4',
    'a 1-70000',
    'a/b 1-2',
    'a 1-2 tx=',
    'a 1-2 rx=1',
  ])
    t.equal(parseAlias(text), undefined, String(text))
})
