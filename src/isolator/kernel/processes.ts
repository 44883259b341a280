import { promises, statSync } from 'node:fs'
import { netnsId } from '../../rtnetlink/index.js'
import type { RtnetlinkSocket } from '../../rtnetlink-socket.js'
import { askMany } from './ask-many.js'

/** The processes in a container's namespace. */
export interface ContainerProcesses {
  /**
   * Whether there is one. Absent where that is unknown: processes are hidden from here, or the namespace has lost
   * its name, without which nothing that root inside could not change tells which namespace it is.
   */
  readonly alive?: boolean
  /** Those that can be seen from here, by their main threads. None if the namespace has lost its name. */
  readonly pids: readonly number[]
}

/** The processes that can be seen from here, by the network namespace that they are in. */
export interface Processes {
  /** Pids by the number that the socket's namespace has for theirs. */
  readonly byNetns: ReadonlyMap<number, readonly number[]>
  /** Why there may be others; undefined if all are seen. */
  readonly hidden: string | undefined
}

/** Processes that are asked for in one batch. */
const PROCESSES_PER_BATCH = 128

/**
 * Asks the kernel for each process which namespace its main thread is in. That needs no right over the process, unlike
 * /proc/<pid>/ns/net, and no name of the namespace.
 */
export async function readProcesses(rt: RtnetlinkSocket): Promise<Processes> {
  const names = await promises.readdir('/proc')
  const pids = names.filter(name => /^\d+$/.test(name)).map(Number)
  const byNetns = new Map<number, number[]>()
  const note = (nsid: number, pid: number): void => {
    const others = byNetns.get(nsid)
    if (others) others.push(pid)
    else byNetns.set(nsid, [pid])
  }
  const answers = await askMany(rt, pids.map(netnsId.askOfProcess), PROCESSES_PER_BATCH)
  for (const [i, { replies }] of answers.entries()) {
    const nsid = netnsId.of(replies)
    if (nsid !== undefined) note(nsid, pids[i] as number)
  }
  return { byNetns, hidden: pids.includes(1) ? hiddenByPidNamespace() : HIDDEN }
}

/** Those in a namespace, by the number that the socket's has for it; undefined where it is not known which it is. */
export function processesIn(nsid: number | undefined, { byNetns, hidden }: Processes): ContainerProcesses {
  const pids = nsid === undefined ? [] : (byNetns.get(nsid) ?? [])
  const isKnown = pids.length > 0 || (nsid !== undefined && hidden === undefined)
  return { ...(isKnown && { alive: pids.length > 0 }), pids }
}

/** PROC_PID_INIT_INO, linux/proc_ns.h: the pid namespace of the whole machine. */
const FIRST_PID_NAMESPACE = 0xeffffffc

/** Every pid namespace has a process 1, and only the first one shows all processes of the machine. */
const hiddenByPidNamespace = (): string | undefined =>
  statSync('/proc/self/ns/pid').ino === FIRST_PID_NAMESPACE
    ? undefined
    : 'processes outside this pid namespace, by which containers are alive'

/** proc(5): with hidepid, /proc has a process for its owner and for CAP_SYS_PTRACE alone. */
const HIDDEN =
  'processes of other users, by which containers are alive: /proc is mounted with hidepid, and CAP_SYS_PTRACE is missing'
