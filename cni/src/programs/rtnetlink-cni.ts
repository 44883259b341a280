/** The plug-in without a daemon: one call of a runtime. */
import { text } from 'node:stream/consumers'
import { isolatorsOfOneCall } from '../plug-in/isolators-of-one-call.js'
import { invoke } from '../plug-in/invoke.js'
import { VERSIONS } from '../spec/versions.js'

/** Put in by the bundler. */
declare const PACKAGE_VERSION: string

const { CNI_COMMAND } = process.env

if (CNI_COMMAND === undefined || CNI_COMMAND === '') {
  // Nomad asks plug-ins what they are in this way.
  console.error(
    `CNI rtnetlink-cni plugin v${PACKAGE_VERSION}\nCNI protocol versions supported: ${VERSIONS.join(', ')}`,
  )
} else {
  const { status, output } = await invoke(
    { environment: process.env, input: await text(process.stdin) },
    isolatorsOfOneCall,
  )
  process.stdout.write(output)
  process.exitCode = status
}
