import { promises, statSync } from 'node:fs'
import { netnsId } from '../../rtnetlink/index.js'
import type { RtnetlinkSocket } from '../../rtnetlink-socket.js'

/** The processes that can be seen from here, by the network namespace that they are in. */
export interface Processes {
  /** Pids by the number that the socket's namespace has for theirs. */
  readonly byNetns: ReadonlyMap<number, readonly number[]>
  /** Why there may be others; undefined if all are seen. */
  readonly hidden: string | undefined
}

/** Questions in one batch: the answers have to fit the receive buffer, which can be small without privileges. */
const QUESTIONS_PER_BATCH = 128

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
  for (let i = 0; i < pids.length; i += QUESTIONS_PER_BATCH) {
    const asked = pids.slice(i, i + QUESTIONS_PER_BATCH)
    const answers = await rt.send(asked.map(netnsId.askOfProcess))
    for (const [j, { replies }] of answers.entries()) {
      const nsid = netnsId.of(replies)
      if (nsid !== undefined) note(nsid, asked[j] as number)
    }
  }
  return { byNetns, hidden: pids.includes(1) ? hiddenByPidNamespace() : HIDDEN }
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
