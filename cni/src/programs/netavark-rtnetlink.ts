/** A driver of podman networks: the plug-in protocol of netavark (plugin-API.md, version 1.0.0). */
import { readFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { setupCall, teardownCall } from '../netavark/call.js'
import { createdNetwork } from '../netavark/network.js'
import { statusOf } from '../netavark/status.js'
import { callPlugIn } from '../plug-in/call-plug-in.js'
import type { Call } from '../spec/call.js'
import type { ErrorResult } from '../spec/cni-error.js'
import type { Result } from '../spec/result.js'

const [command = 'info', netns] = process.argv.slice(2)

try {
  const answer = await answerTo(command)
  if (answer !== undefined) console.log(JSON.stringify(answer))
} catch (error) {
  // netavark passes it on to who has called podman.
  console.log(JSON.stringify({ error: (error as Error).message }))
  process.exitCode = 1
}

async function answerTo(command: string): Promise<object | undefined> {
  switch (command) {
    case 'info':
      return { version: ownVersion(), api_version: '1.0.0' }
    case 'create':
      return createdNetwork(await text(process.stdin))
    case 'setup':
      return statusOf(JSON.parse(await outputOf(setupCall(path(), await text(process.stdin)))) as Result)
    case 'teardown':
      await outputOf(teardownCall(path(), await text(process.stdin)))
      return undefined
    default:
      throw new Error(`unknown subcommand: '${command}', expected create, setup, teardown or info`)
  }
}

function path(): string {
  if (netns !== undefined) return netns
  throw new Error(`${command} needs the path of a network namespace`)
}

async function outputOf(call: Call): Promise<string> {
  const { status, output } = await callPlugIn(call)
  if (status === 0) return output
  throw new Error((JSON.parse(output) as ErrorResult).msg)
}

function ownVersion(): string {
  const file = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  return (JSON.parse(file) as { version: string }).version
}
