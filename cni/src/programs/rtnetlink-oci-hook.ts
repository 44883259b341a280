/** A hook of runc and crun: a container that has the host's address, without a CNI runtime. */
import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { parseArgs } from 'node:util'
import { callOfHook, HOOKS } from '../oci/call-of-hook.js'
import { callPlugIn } from '../plug-in/call-plug-in.js'
import type { ErrorResult } from '../spec/cni-error.js'

const USAGE = `usage: rtnetlink-oci-hook --config FILE ${HOOKS.join('|')}`

try {
  const { values, positionals } = parseArgs({
    options: { config: { type: 'string' } },
    allowPositionals: true,
  })
  const hook = HOOKS.find(name => name === positionals[0])
  if (hook === undefined || positionals.length !== 1 || values.config === undefined) throw new Error(USAGE)
  const [configuration, state] = await Promise.all([readFile(values.config, 'utf8'), text(process.stdin)])
  const { status, output } = await callPlugIn(callOfHook(hook, configuration, state))
  if (status !== 0) throw new Error((JSON.parse(output) as ErrorResult).msg)
} catch (error) {
  // The runtime shows it, and starts no container after a createRuntime that failed.
  console.error(`rtnetlink-oci-hook: ${(error as Error).message}`)
  process.exitCode = 1
}
