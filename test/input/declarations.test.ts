import fc from 'fast-check'
import t from 'tap'
import {
  abortSignal,
  argument,
  argumentsRefusedAs,
  big,
  boolean,
  bytes,
  callback,
  choice,
  declaredArguments,
  either,
  exactly,
  faultText,
  having,
  instanceOf,
  iterable,
  knownText,
  list,
  number,
  object,
  oneOf,
  optional,
  passingOver,
  presence,
  text,
  textThat,
  tuple,
  whole,
  type AnyDeclaration,
  type Declaration,
  type InputOf,
} from '../../src/input/index.js'

const action = object({ kind: oneOf('mirred', 'gact'), dev: text('an interface name') })
const place = object({ dev: text('an interface name'), priority: whole(1, 0xffff) })
const table = object({ kind: oneOf('u32'), divisor: whole(1, 256) }, place)
const node = object(
  {
    kind: oneOf('u32'),
    keys: optional(list(whole())),
    mark: optional(whole()),
    actions: optional(list(action)),
  },
  place,
)
const raw = object({ kind: text(), options: optional(bytes) }, place)
const spec = choice('kind', { u32: presence('divisor', table, node) }, raw)

/** What is said of a value; undefined where it is accepted. Both forms of a check have to agree. */
function refusal(declaration: AnyDeclaration, value: unknown): string | undefined {
  const fault = declaration.faultIn(value)
  t.equal(
    declaration.accepts(value),
    fault === undefined,
    'the generated check agrees with the one that explains',
  )
  return fault && faultText(fault, 'spec')
}

t.test('scalars', async () => {
  class Thing {}
  const cases: [AnyDeclaration, good: unknown[], bad: unknown[]][] = [
    [boolean, [true, false], [0, 1, 'true', null, undefined, {}]],
    [whole(1, 9), [1, 9], [0, 10, 1.5, NaN, Infinity, '1', 1n, null, [1], Object(1)]],
    [number(0, 10), [0, 0.5, 10], [-1, NaN, Infinity, '1', 1n]],
    [big(0n, 9n), [0n, 9n], [-1n, 10n, 1, '1']],
    [text(), ['', 'a'], [1, null, ['a'], Object('a')]],
    [textThat('an a', given => given === 'a'), ['a'], ['b', 1]],
    [oneOf('a', 'it\'s "b"'), ['a', 'it\'s "b"'], ['c', 'constructor', '__proto__', 0, ['a']]],
    [exactly(null), [null], [undefined, 0, {}]],
    [bytes, [new Uint8Array(1), Buffer.alloc(1)], [[1], new ArrayBuffer(1), 'a', new Uint16Array(1)]],
    [callback(), [() => 1, Thing], [{}, null, 'a']],
    [instanceOf('a thing', () => Thing), [new Thing()], [{}, Thing, null]],
    [abortSignal, [AbortSignal.abort()], [new AbortController(), {}, null]],
    [having<{ send(): void }>('a socket', 'send'), [{ send: () => 1, more: 1 }], [{ send: 1 }, {}, null]],
    [iterable('requests'), [[], new Set(), (function* () {})()], ['ab', {}, null, 1]],
    [either(exactly(null), whole()), [null, 0], [undefined, -1, '0']],
    [tuple('two ports', whole(), whole()), [[1, 2]], [[1], [1, 2, 3], [1, 'a'], { 0: 1, 1: 2, length: 2 }]],
  ]
  for (const [declaration, good, bad] of cases) {
    for (const value of good) t.equal(refusal(declaration, value), undefined, declaration.words)
    for (const value of bad) t.ok(refusal(declaration, value), declaration.words)
  }
})

t.test('an unknown name is refused, with the nearest known one', async t => {
  const given = { kind: 'u32', dev: 'eth0', priority: 1 }
  t.equal(refusal(spec, given), undefined)
  t.equal(refusal(spec, { ...given, option: [] }), "unknown 'option', did you mean 'actions'?")
  t.equal(refusal(spec, { ...given, options: [] }), "unknown 'options', did you mean 'actions'?")
  t.equal(
    refusal(spec, { kind: 'u32', device: 'eth0', priority: 1 }),
    "unknown 'device', did you mean 'dev'?",
  )
  t.equal(
    refusal(spec, { ...given, actions: [{ kind: 'gact', dve: 'eth0' }] }),
    "unknown 'actions[0].dve', did you mean 'dev'?",
  )
  t.equal(
    refusal(object({ netns: text() }), { namespace: 'a' }),
    "unknown 'namespace', did you mean 'netns'?",
  )
  t.equal(
    refusal(object({ type: text(), address: text(), port: whole() }), { type: 'tcp', host: '::' }),
    "unknown 'host': expected one of type, address, port",
  )
  t.ok(refusal(spec, { ...given, options: undefined }), 'an unknown name is refused whatever its value')
})

t.test('paths, missing members, wrong types and ranges', async t => {
  const given = { kind: 'u32', dev: 'eth0', priority: 1 }
  const said = (more: object): string | undefined => refusal(spec, { ...given, ...more })
  t.equal(said({ dev: undefined }), 'dev is missing: expected an interface name')
  t.equal(said({ dev: 3 }), 'dev is 3: expected an interface name')
  t.equal(said({ priority: 0 }), 'priority is 0: expected a whole number from 1 to 65535')
  t.equal(
    said({ actions: [{ kind: 'gact', dev: 'a' }, { kind: 'gact' }] }),
    'actions[1].dev is missing: expected an interface name',
  )
  t.equal(said({ keys: [1, -1] }), 'keys[1] is -1: expected a whole number from 0 to 4294967295')
  // eslint-disable-next-line no-sparse-arrays
  t.equal(said({ keys: [1, , 2] }), 'keys[1] is undefined: expected a whole number from 0 to 4294967295')
  t.match(said({ keys: { length: 0 } }), /^keys is an object: expected a list/)
  t.match(said({ actions: ['drop'] }), /^actions\[0\] is 'drop': expected an object with kind, dev/)
  t.equal(refusal(spec, null), "spec is null: expected an object whose kind is one of 'u32'")
  t.match(refusal(place, [1]), /^spec is a list/)
})

t.test('what belongs to one form is refused in the other, by name', async t => {
  const given = { kind: 'u32', dev: 'eth0', priority: 1 }
  t.equal(refusal(spec, { ...given, divisor: 4 }), undefined)
  t.equal(refusal(spec, { ...given, divisor: 4, mark: 1 }), "'mark' does not go with 'divisor'")
  t.equal(refusal(spec, { ...given, kind: 'basic', options: new Uint8Array() }), undefined)
  t.ok(refusal(spec, { ...given, kind: 'basic', keys: [] }))
  const closed = choice('kind', { a: object({ kind: oneOf('a') }) })
  t.equal(refusal(closed, { kind: 'b' }), "kind is 'b': expected one of 'a'")
  t.equal(refusal(closed, {}), "kind is missing: expected one of 'a'")
})

t.test('names that a listed object has beside its members are passed over', async t => {
  const listed = passingOver(place, ['ifindex', 'dev'])
  t.equal(refusal(listed, { dev: 'eth0', priority: 1, ifindex: 3 }), undefined)
  t.equal(
    refusal(listed, { dev: 3, priority: 1 }),
    'dev is 3: expected an interface name',
    'a member stays one',
  )
  t.ok(refusal(listed, { dev: 'eth0', priority: 1, index: 3 }))
  t.equal(refusal(object({}, listed), { dev: 'eth0', priority: 1, ifindex: 3 }), undefined, 'also of a base')
})

t.test('nothing hides a member from its check', async t => {
  const options = object({ signal: optional(abortSignal), retries: optional(whole()) })
  t.equal(refusal(options, {}), undefined)
  t.equal(refusal(options, Object.create(null)), undefined)
  t.equal(refusal(options, { signal: undefined }), undefined)
  t.ok(refusal(options, JSON.parse('{"__proto__": {"retries": 1}}')), 'a member called __proto__')
  t.ok(refusal(options, { constructor: 1 }))
  t.ok(refusal(options, { toString: 1 }))
  t.ok(refusal(options, Object.create({ retires: 1 })), 'an unknown name that is inherited')
  t.ok(refusal(options, Object.create({ retries: 'x' })), 'a member that is inherited')
  t.equal(refusal(options, { get retries() { return 1 } }), undefined) // prettier-ignore
  t.ok(refusal(options, { get retries() { return 'x' } })) // prettier-ignore
  class Options {
    get retries(): unknown {
      return 'x'
    }
  }
  t.ok(refusal(options, new Options()), 'a getter of a class')
  t.equal(refusal(options, new Proxy({ retries: 1 }, {})), undefined)
  t.ok(refusal(options, new Proxy({ retires: 1 }, {})))
  t.ok(refusal(options, new Proxy([], {})))
  for (const other of [new Map(), new Date(), AbortSignal.abort(), new Uint8Array(), /x/, Promise.resolve()])
    t.ok(refusal(options, other), 'no options at all')
  const revoked = Proxy.revocable({}, {})
  revoked.revoke()
  t.throws(() => options.accepts(revoked.proxy), TypeError)
})

t.test('a getter that gives something else the second time is refused', async t => {
  let asked = 0
  const check = argument('test', 'spec', place)
  const turning = { dev: 'eth0', get priority() { return ++asked === 1 ? 0 : 1 } } // prettier-ignore
  t.throws(() => check(turning), { message: /stays as it is/ })
})

t.test('the generated check agrees with the one that explains, whatever is given', async () => {
  const members = ['kind', 'dev', 'priority', 'divisor', 'mark', 'keys', 'actions', 'options', 'dve']
  const value = fc.letrec(tie => ({
    value: fc.oneof(
      { maxDepth: 3 },
      fc.constantFrom<unknown>(
        'u32',
        'basic',
        'eth0',
        1,
        0,
        70000,
        -1,
        true,
        null,
        undefined,
        new Uint8Array(),
      ),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom(...members), tie('value'), { maxKeys: 6 }),
    ),
  })).value
  const good = fc.record({
    kind: fc.constantFrom('u32', 'basic'),
    dev: fc.constantFrom('eth0', 1),
    priority: fc.integer({ min: 0, max: 3 }),
    more: fc.dictionary(fc.constantFrom(...members), value, { maxKeys: 2 }),
  })
  fc.assert(
    fc.property(
      fc.oneof(
        value,
        good.map(({ more, ...rest }) => ({ ...rest, ...more })),
      ),
      given => {
        return spec.accepts(given) === (spec.faultIn(given) === undefined)
      },
    ),
    { numRuns: 2000 },
  )
})

t.test(
  'an argument is refused with the name of its function, as the error of whoever declares it',
  async t => {
    const check = argument('filters.add', 'spec', spec)
    const given = { kind: 'u32', dev: 'eth0', priority: 1 }
    t.equal(check(given), undefined)
    t.throws(() => check({ ...given, options: [] }), {
      name: 'TypeError',
      message: "filters.add: unknown 'options', did you mean 'actions'?",
    })
    t.throws(() => check({ ...given, priority: 0 }), {
      name: 'RangeError',
      message: /^filters.add: priority is 0/,
    })
    t.throws(() => check(undefined), { message: /^filters.add: spec is undefined/ })
    t.ok(declaredArguments().some(({ of, name }) => of === 'filters.add' && name === 'spec'))

    class OptionError extends Error {
      constructor(
        text: string,
        readonly option: string,
        readonly value: unknown,
      ) {
        super(text)
      }
    }
    const option = argumentsRefusedAs((text, { path, value }) => new OptionError(text, path, value))
    const depth = object({ depth: object({ mtu: whole() }) })
    const own = option('create', 'options', depth)
    t.throws(() => own({ depth: { mtu: 'x' } }), { message: /^create: /, option: 'depth.mtu', value: 'x' })
  },
)

type IsAny<T> = 0 extends 1 & T ? true : false

t.test('no member is of type any', async t => {
  const shape = object({
    name: text(),
    address: textThat('an a', given => given === 'a'),
    word: knownText<'a'>('a'),
  })
  const anyMembers: { [K in keyof InputOf<typeof shape>]: IsAny<InputOf<typeof shape>[K]> } = {
    ...{ name: false, address: false, word: false },
  }
  t.strictSame(Object.keys(anyMembers), [...(shape.members?.keys() ?? [])])
})

t.test('types follow from declarations', async t => {
  const shape = object({
    /** How many. */
    count: whole(),
    mode: optional(oneOf('fast', 'slow')),
    inner: optional(object({ flag: boolean })),
    pairs: optional(list(tuple('two', whole(), text()))),
  })
  interface Options extends InputOf<typeof shape> {}
  const options: Options = { count: 1, mode: 'fast', inner: { flag: true }, pairs: [[1, 'a']] }
  t.equal(shape.accepts(options), true)
  const annotated: Declaration<{ count: number; mode?: 'fast' | undefined }> = object({
    count: whole(),
    mode: optional(oneOf('fast')),
  })
  t.ok(annotated)
  // @ts-expect-error -- a member is missing
  options satisfies Options & { missing: 1 }
  // @ts-expect-error -- an unknown name
  const unknownName: Options = { count: 1, cuont: 1 }
  // @ts-expect-error -- a wrong word
  const wrongWord: Options = { count: 1, mode: 'fsat' }
  // @ts-expect-error -- missing
  const missing: Options = {}
  // @ts-expect-error -- a declaration that takes less than its type says
  const narrower: Declaration<{ mode: 'a' | 'b' }> = object({ mode: oneOf('a') })
  // @ts-expect-error -- a declaration that takes more than its type says
  const wider: Declaration<{ mode: 'a' }> = object({ mode: oneOf('a', 'b') })
  t.ok([unknownName, wrongWord, missing, narrower, wider])
})
