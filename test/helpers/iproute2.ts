import { execFile, spawn } from 'node:child_process'

/** Runs a program and returns what it printed; rejects with its stderr when it fails. */
export function run(program: string, args: string[], input = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] })
    const stdout: Buffer[] = []
    const stderr: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk))
    child.stdin.on('error', () => undefined) // a program may end without reading all of it
    child.on('error', reject)
    child.on('close', (code, signal) => {
      if (code === 0) resolve(Buffer.concat(stdout).toString())
      else
        reject(
          new Error(`${[program, ...args].join(' ')}: ${Buffer.concat(stderr).toString().trim() || signal}`),
        )
    })
    child.stdin.end(input)
  })
}

const words = (line: string): string[] => line.split(' ').filter(word => word !== '')

/** `ip -n <namespace> <line>` */
export function ip(namespace: string, line: string): Promise<string> {
  return run('ip', ['-n', namespace, ...words(line)])
}

/** `tc -n <namespace> <line>` */
export function tc(namespace: string, line: string): Promise<string> {
  return run('tc', ['-n', namespace, ...words(line)])
}

/** One command per line in one process, which stops at the first error. */
export function ipBatch(namespace: string, lines: string[]): Promise<string> {
  return run('ip', ['-n', namespace, '-batch', '-'], lines.join('\n') + '\n')
}

export function tcBatch(namespace: string, lines: string[]): Promise<string> {
  return run('tc', ['-n', namespace, '-batch', '-'], lines.join('\n') + '\n')
}

/** As `tcBatch`, but goes on after errors, and says which lines failed, counted from 1. */
export function tcBatchOn(
  namespace: string,
  lines: string[],
): Promise<{ stdout: string; stderr: string; failed: number[] }> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      'tc',
      ['-n', namespace, '-d', '-force', '-batch', '-'],
      (error, stdout, stderr) => {
        if (typeof error?.code === 'string') reject(new Error(`tc: ${error.code}`))
        const failed = Array.from(stderr.matchAll(/^Command failed -:(\d+)$/gm), ([, line]) => Number(line))
        resolve({ stdout, stderr, failed })
      },
    )
    child.stdin?.end(lines.join('\n') + '\n')
  })
}

/** `ip -json -n <namespace> <line>`, parsed; an empty answer is an empty list. */
export async function ipJson<T = Record<string, unknown>>(namespace: string, line: string): Promise<T[]> {
  return JSON.parse((await run('ip', ['-json', '-n', namespace, ...words(line)])) || '[]') as T[]
}

export async function tcJson<T = Record<string, unknown>>(namespace: string, line: string): Promise<T[]> {
  return JSON.parse((await run('tc', ['-json', '-n', namespace, ...words(line)])) || '[]') as T[]
}

/** Runs a program in a namespace, without the mounts of `ip netns exec`. */
export function runIn(netnsPath: string, program: string, ...args: string[]): Promise<string> {
  return run('nsenter', [`--net=${netnsPath}`, program, ...args])
}
