/** A user-mode Linux on this file system: what it has to be given, and its start. */
import { spawn } from 'node:child_process'
import { createWriteStream, statfsSync } from 'node:fs'
import { join } from 'node:path'
import { capture, root } from '../run.js'

export const kernel = '/usr/bin/linux.uml'

/** Where machines keep what they make: their consoles and, where it has to be, their memory. */
export const folder = join(root, 'build/uml')

/**
 * A library to preload: `xstate` is for user-mode Linux itself, `vfork` for Node.js in it. Compiled every time: it takes
 * a tenth of a second.
 *
 * @param {'xstate' | 'vfork'} name
 */
export async function library(name) {
  const file = join(folder, `${name}.so`)
  const { code, output } = await capture('cc', [
    ...['-O2', '-Wall', '-Wextra', '-Werror', '-shared', '-fPIC'],
    ...['-o', file, `scripts/uml/${name}.c`],
  ])
  if (code !== 0) throw new Error(`cannot compile scripts/uml/${name}.c:\n${output}`)
  return file
}

/**
 * A machine's memory is a file in /dev/shm, which containers often have too little of.
 *
 * @param {number} machines
 */
export function memoryFolder(machines) {
  const { bavail, bsize } = statfsSync('/dev/shm')
  return bavail * bsize > machines * 1.1 * 2 ** 30 ? {} : { TMPDIR: folder }
}

/** @param {number} number */
export const consoleLog = number => join(folder, `console-${number}.log`)

/**
 * Starts a machine. Its first console goes to consoleLog(number), its second is the stream of results. It ends by
 * itself, or when the time is over: at SIGTERM it takes its processes with it.
 *
 * @param {number} number among those that run beside each other
 * @param {object} options
 * @param {NodeJS.ProcessEnv} options.env of the machine's own process
 * @param {number} options.seconds
 * @param {number} options.secondsPerFile
 * @param {string[]} options.devices
 */
export function boot(number, { env, seconds, secondsPerFile, devices }) {
  const machine = [
    'mem=1G',
    'rootfstype=hostfs',
    'rootflags=/',
    'rw',
    'quiet',
    ...devices,
    `init=${join(root, 'scripts/uml/init.sh')}`,
  ]
  const consoles = ['con=null', 'con0=null,fd:1', 'con1=null,fd:3']
  const environment = [`NODE=${process.execPath}`, `TEST_TIMEOUT=${secondsPerFile}`]
  const child = spawn(kernel, [...machine, `uml_dir=${folder}`, ...consoles, ...environment], {
    env,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    timeout: seconds * 1000,
    killSignal: 'SIGTERM',
  })
  const log = createWriteStream(consoleLog(number))
  child.stdout?.pipe(log, { end: false })
  child.stderr?.pipe(log, { end: false })
  return child
}
