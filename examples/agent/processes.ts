import { spawn, type ChildProcess } from 'node:child_process'
import { mkdirSync, readdirSync, readlinkSync, statSync } from 'node:fs'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'

/** How long processes get to end by themselves. */
const GRACE_MS = 3000

/** The path of the namespace that the isolator keeps for a container. */
const handleOf = (link: string): string => `/run/netns/${link}`

/** What is kept of either output, in blocks of 512 bytes: 10 MB. */
const KEPT_BLOCKS = 20_480

/**
 * Keeps what a command prints in the files stdout and stderr, up to a limit: what is beyond is read and thrown away, so that
 * the command neither fills the disk nor waits. The readers are processes of their own, since the command outlives the agent.
 */
const KEEPING_OUTPUT = `
keep() { (ulimit -f ${KEPT_BLOCKS}; exec cat >> "$1") 2> /dev/null; exec cat > /dev/null; }
{ "$@" 2>&3 3>&- | keep stdout 3>&-; } 3>&1 | keep stderr
`

/**
 * Starts a command in the namespace of a container, in a session of its own: it outlives the agent. What it prints is
 * in the files stdout and stderr of the folder.
 */
export async function startInside(
  link: string,
  command: string | readonly string[],
  folder: string,
): Promise<ChildProcess> {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const words = typeof command === 'string' ? ['sh', '-c', command] : command
  const inside = ['nsenter', `--net=${handleOf(link)}`, '--', ...words]
  const child = spawn('sh', ['-c', KEEPING_OUTPUT, 'sh', ...inside], {
    cwd: folder,
    detached: true,
    stdio: 'ignore',
  })
  await once(child, 'spawn')
  child.unref()
  return child
}

/** Ends all processes of a container: kindly, then not. */
export async function endInside(link: string): Promise<void> {
  signalAll(link, 'SIGTERM')
  const deadline = Date.now() + GRACE_MS
  while (signalAll(link, 0) > 0 && Date.now() < deadline) await sleep(50)
  while (signalAll(link, 'SIGKILL') > 0) await sleep(10)
}

/**
 * The processes in the namespaces of containers, by link: whatever they did to their names, parents and sessions, that
 * is where they are.
 */
export function processesInside(links: readonly string[]): Map<string, number[]> {
  const found = new Map(links.map(link => [link, [] as number[]]))
  const linkOf = new Map(links.map(link => [identityOf(link), link]))
  for (const name of readdirSync('/proc')) {
    const namespace = /^\d+$/.test(name) ? namespaceOf(name) : undefined
    const link = namespace === undefined ? undefined : linkOf.get(namespace)
    if (link !== undefined) found.get(link)?.push(Number(name))
  }
  return found
}

/** What /proc/<pid>/ns/net points at, for the namespace behind a handle. Undefined where the handle is gone. */
function identityOf(link: string): string | undefined {
  const stats = statSync(handleOf(link), { throwIfNoEntry: false })
  return stats && `net:[${stats.ino}]`
}

/** Undefined for a process that has ended, a zombie too. */
function namespaceOf(pid: string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`)
  } catch {
    return undefined
  }
}

/** How many processes there are. */
function signalAll(link: string, signal: NodeJS.Signals | 0): number {
  const pids = processesInside([link]).get(link) ?? []
  for (const pid of pids) {
    try {
      process.kill(pid, signal)
    } catch {
      // It has ended meanwhile.
    }
  }
  return pids.length
}
