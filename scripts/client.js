/** `node scripts/client.js [arch]` makes cni/prebuilds/linux-<arch>/rtnetlink-cni, for this machine by default. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root, succeed } from './run.js'

/** The one source of the client of rtnetlinkd. */
const SOURCE = 'cni/client/rtnetlink-cni.c'

/** What it is made of. */
export const CLIENT_INPUTS = ['cni/client', 'cni/package.json', 'scripts/client.js']

/** Compilers by architecture, as Debian names them, where it is not the machine's own. */
const CROSS = { arm64: 'aarch64-linux-gnu-gcc', x64: 'x86_64-linux-gnu-gcc' }

const FLAGS = ['-std=gnu11', '-O2', '-Wall', '-Wextra', '-Werror', '-static', '-s']

/**
 * Where the client for an architecture is, from the repository's root.
 *
 * @param {string} arch
 */
export const clientFile = arch => `cni/prebuilds/linux-${arch}/rtnetlink-cni`

/**
 * Makes the client: one static program, so that it starts in a millisecond on any Linux.
 *
 * @param {string} [arch] default: the machine's
 * @returns {Promise<string | undefined>} what went wrong
 */
export async function buildClient(arch = process.arch) {
  const { version } = JSON.parse(readFileSync(join(root, 'cni/package.json'), 'utf8'))
  const output = clientFile(arch)
  mkdirSync(join(root, output, '..'), { recursive: true })
  return succeed(compilerFor(arch), [...FLAGS, `-DPACKAGE_VERSION="${version}"`, '-o', output, SOURCE])
}

/**
 * The C compiler for an architecture.
 *
 * @param {string} arch
 */
export const compilerFor = arch =>
  arch === process.arch ? (process.env['CC'] ?? 'cc') : CROSS[/** @type {'arm64' | 'x64'} */ (arch)]

/**
 * Whether a command can be run.
 *
 * @param {string} command
 */
export const hasProgram = command => spawnSync(command, ['--version']).status === 0

if (import.meta.filename === process.argv[1]) {
  const failure = await buildClient(process.argv[2])
  if (failure !== undefined) console.log(failure)
  process.exitCode = failure === undefined ? 0 : 1
}
