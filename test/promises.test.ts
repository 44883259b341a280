/** Methods that return promises never throw: what is wrong with the input becomes a rejection. */
import t, { type Test } from 'tap'
import * as surface from '../src/index.js'
import { NetworkNamespace, PortMappingIsolator, RtnetlinkSocket, SockDiagSocket } from '../src/index.js'

/** Input that no method takes. A symbol cannot even become text. */
const NONE: readonly unknown[] = [null, 5, 'no such thing/at all', { nonsense: 1 }, [], Symbol('none')]

type Methods = Record<string, unknown>

/** Names of the methods of an object, those of its class among them. */
function methodsOf(value: object): string[] {
  const names = new Set<string>()
  for (
    let level: object | null = value;
    level && level !== Object.prototype;
    level = Object.getPrototypeOf(level) as object | null
  ) {
    for (const [name, { value: member }] of Object.entries(Object.getOwnPropertyDescriptors(level)))
      if (typeof member === 'function' && name !== 'constructor') names.add(name)
  }
  return [...names]
}

/** Calls methods with what none of them takes. Those in `synchronous` give no promise, and may throw. */
async function throwsNothing(
  t: Test,
  about: string,
  value: object,
  synchronous: readonly string[],
): Promise<void> {
  for (const name of methodsOf(value)) {
    if (synchronous.includes(name) || /[cC]lose|^return$/.test(name)) continue
    for (const input of NONE) {
      let outcome: unknown
      try {
        outcome = ((value as Methods)[name] as (...input: unknown[]) => unknown).call(value, input, input)
      } catch (error) {
        t.fail(`${about}.${name}(${String(input)}) throws ${String(error)}`)
        continue
      }
      if (!(outcome instanceof Promise)) {
        t.fail(`${about}.${name} gives no promise`)
        break
      }
      await outcome.catch(() => undefined)
    }
    t.pass(`${about}.${name}`)
  }
}

t.test('sockets', async t => {
  await using rt = await RtnetlinkSocket.open()
  const netns = NetworkNamespace.open('/proc/self/ns/net')
  t.teardown(() => {
    netns.close()
  })
  for (const name of ['links', 'addresses', 'routes', 'neighbours', 'qdiscs', 'classes', 'filters'] as const)
    await throwsNothing(t, `rt.${name}`, rt[name], [])
  await throwsNothing(t, 'rt', rt, ['monitor'])
  await using diag = await SockDiagSocket.open()
  await throwsNothing(t, 'diag', diag, [])
})

t.test('functions of classes', async t => {
  const create = PortMappingIsolator.create.bind(PortMappingIsolator)
  await throwsNothing(t, 'PortMappingIsolator', { create }, [])
  await throwsNothing(t, 'RtnetlinkSocket', { open: RtnetlinkSocket.open.bind(RtnetlinkSocket) }, [])
  await throwsNothing(t, 'SockDiagSocket', { open: SockDiagSocket.open.bind(SockDiagSocket) }, [])
})

/** Methods that give no promise, by class; all others are declared `async`, which cannot throw. */
const SYNCHRONOUS: Readonly<Record<string, readonly string[]>> = {
  NetlinkSocket: ['close', 'dump'],
  NetlinkSubscription: ['close', 'next', 'return'],
  NetworkNamespace: ['close', 'equals', 'openSocket'],
  PortMappingIsolator: ['explain', 'get', 'list', 'off', 'on', 'once', 'trace'],
  RtnetlinkSocket: ['close', 'monitor'],
  SockDiagSocket: ['close'],
}

t.test('what gives a promise is declared async, in every exported class that has such methods', async t => {
  const isAsync = (method: unknown): boolean => (method as object).constructor.name === 'AsyncFunction'
  const found: Record<string, string[]> = {}
  for (const [name, value] of Object.entries(surface)) {
    if (typeof value !== 'function' || !/^class /.test(Function.prototype.toString.call(value))) continue
    const methods = Object.entries(Object.getOwnPropertyDescriptors(value.prototype as object)).filter(
      ([key, { value }]) => typeof value === 'function' && key !== 'constructor',
    )
    if (!methods.some(([, { value }]) => isAsync(value)) && !Object.hasOwn(SYNCHRONOUS, name)) continue
    found[name] = methods
      .filter(([, { value }]) => !isAsync(value))
      .map(([key]) => key)
      .sort()
  }
  for (const [name, methods] of Object.entries(found)) {
    const unexpected = methods.filter(method => !SYNCHRONOUS[name]?.includes(method))
    t.strictSame(unexpected, [], name)
  }
  t.ok(Object.keys(found).length >= 5)
})
