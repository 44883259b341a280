import { IsolatorError } from 'rtnetlink'
import { readObject } from '../network/go-json.js'
import { readNetwork, readNetworkConfig, versionIn } from '../network/network-config.js'
import type { Call, Reply } from '../spec/call.js'
import { CniError, CODE, errorResult } from '../spec/cni-error.js'
import { attachmentOf, commandOf, sandboxOf, type Command } from '../spec/request.js'
import { isAtLeast, NEWEST, VERSIONS } from '../spec/versions.js'
import { add } from './add.js'
import { check } from './check.js'
import { del } from './del.js'
import { collectGarbage } from './collect-garbage.js'
import { codeOf } from './isolator-codes.js'
import type { Isolators } from './isolators.js'

/** Does what one invocation of the plug-in asks for. Every failure is in the reply. */
export async function invoke(call: Call, isolators: Isolators): Promise<Reply> {
  try {
    const result = await verbs[commandOf(call)](call, isolators)
    return { status: 0, output: result === undefined ? '' : `${JSON.stringify(result)}\n` }
  } catch (error) {
    const result = errorResult(versionIn(call.input) ?? NEWEST, cniErrorOf(error))
    return { status: 1, output: `${JSON.stringify(result)}\n` }
  }
}

/** Rejects, and does not throw, what is malformed. */
type Verb = (call: Call, isolators: Isolators) => Promise<object | undefined>

const verbs: Record<Command, Verb> = {
  ADD: (call, isolators) =>
    add({ ...attachmentOf(call), ...sandboxOf(call) }, readNetworkConfig(call.input), isolators),
  DEL: (call, isolators) => del(attachmentOf(call), readNetwork(call.input), isolators),
  CHECK: (call, isolators) =>
    check({ ...attachmentOf(call), ...sandboxOf(call) }, readNetworkConfig(call.input), isolators),
  async GC({ input }, isolators) {
    refuseOlder('GC', input)
    return collectGarbage(input, isolators)
  },
  async STATUS({ input }, isolators) {
    refuseOlder('STATUS', input)
    await isolators.status(readNetworkConfig(input).options)
    return undefined
  },
  async VERSION({ input }) {
    const { cniVersion = NEWEST } = readObject(input)
    return { cniVersion, supportedVersions: VERSIONS }
  },
}

/** GC and STATUS came with 1.1.0. @throws CniError 1 */
function refuseOlder(command: string, input: string): void {
  const { version } = readNetwork(input)
  if (isAtLeast(version, '1.1.0')) return
  throw new CniError(
    CODE.incompatibleVersion,
    `${command} came with cniVersion 1.1.0: this network has ${version}`,
  )
}

function cniErrorOf(error: unknown): CniError {
  if (error instanceof CniError) return error
  if (error instanceof IsolatorError) return new CniError(codeOf(error), error.message, error.code)
  const { message, stack } = error as Error
  return new CniError(CODE.unexpected, message, stack)
}
