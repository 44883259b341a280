import { readFileSync } from 'node:fs'
import t from 'tap'
import { binding } from '../../src/native/binding.js'

const isLoaded = (): boolean => readFileSync('/proc/self/maps', 'utf8').includes('rtnetlink.node')

t.test('loads the addon at the first use, and only on Linux', async t => {
  t.notOk(isLoaded(), 'not by the import')
  const platform = Object.getOwnPropertyDescriptor(process, 'platform')!
  Object.defineProperty(process, 'platform', { value: 'darwin', configurable: true })
  try {
    t.throws(() => binding(), { code: 'ERR_UNSUPPORTED_PLATFORM', message: /needs Linux.*darwin/ })
  } finally {
    Object.defineProperty(process, 'platform', platform)
  }
  t.notOk(isLoaded(), 'not elsewhere')
  t.equal(binding(), binding())
  t.ok(isLoaded())
})
