import { statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname } from 'node:path'

/** One thing that rtnetlink had the kernel do, as a line of native/replay.c without the side of the namespace. */
export type Call =
  | { what: 'open'; fd: number; netns: number; protocol: number }
  | { what: 'send'; fd: number; bytes: Buffer }
  | { what: 'read'; netns: number; path: string }
  | { what: 'write'; netns: number; path: string; value: string }
  | { what: 'mount'; source: string; target: string; flags: number }

type Step = readonly [operation: string, path: string, value: string, flags?: number]

/** What of the addon is recorded. */
interface Exports {
  DescriptorHandle: new (
    netns: number,
    call: number,
    ...args: number[]
  ) => { readonly fd: number; send(bytes: Uint8Array, token: number): void }
  systemCalls: readonly string[]
  run: (netns: number, steps: readonly Step[], job: number) => void
}

const AF_NETLINK = 16

/** Records what is asked of the addon, which has to be loaded by nobody before. Namespaces are told by their inodes. */
export class Recorder {
  /** Undefined while nothing is recorded. */
  #calls: Call[] | undefined
  /** The sockets that are open, or were: by file descriptor, the last one of each. */
  readonly #opened = new Map<number, Extract<Call, { what: 'open' }>>()

  constructor() {
    const require = createRequire(import.meta.url)
    const root = dirname(require.resolve('../../../package.json'))
    const addon = (require('node-gyp-build') as (folder: string) => Exports)(root)
    this.#recordSockets(addon)
    this.#recordSteps(addon)
  }

  /** What was asked during `work`, in order. */
  async record(work: () => Promise<unknown>): Promise<{ before: Call[]; calls: Call[] }> {
    const before = [...this.#opened.values()]
    const calls: Call[] = (this.#calls = [])
    await work()
    this.#calls = undefined
    const sending = new Set(calls.flatMap(call => (call.what === 'send' ? call.fd : [])))
    return { before: before.filter(({ fd }) => sending.has(fd)), calls }
  }

  #recordSockets(addon: Exports): void {
    const { DescriptorHandle, systemCalls } = addon
    const note = (call: Call): void => {
      this.#calls?.push(call)
    }
    const noteOpening = (fd: number, netns: number, protocol: number): void => {
      const call = { what: 'open', fd, netns: inodeOf(netns), protocol } as const
      this.#opened.set(fd, call)
      note(call)
    }
    addon.DescriptorHandle = class extends DescriptorHandle {
      readonly #fd: number

      constructor(netns: number, call: number, ...args: number[]) {
        super(netns, call, ...args)
        this.#fd = this.fd
        const [domain, , protocol = 0] = args
        if (systemCalls[call] === 'socket' && domain === AF_NETLINK) noteOpening(this.fd, netns, protocol)
      }

      override send(bytes: Uint8Array, token: number): void {
        note({ what: 'send', fd: this.#fd, bytes: Buffer.from(bytes) })
        super.send(bytes, token)
      }
    }
  }

  #recordSteps(addon: Exports): void {
    const { run } = addon
    addon.run = (netns, steps, job) => {
      if (this.#calls) for (const step of steps) this.#calls.push(callOf(step, netns))
      run(netns, steps, job)
    }
  }
}

function callOf([operation, path, value, flags = 0]: Step, netns: number): Call {
  switch (operation) {
    case 'read':
      return { what: 'read', netns: inodeOf(netns), path }
    case 'write':
      return { what: 'write', netns: inodeOf(netns), path, value }
    case 'mount':
      return { what: 'mount', source: value, target: path, flags }
    default:
      throw new Error(`${operation} cannot be replayed`)
  }
}

const inodeOf = (netns: number): number => (netns < 0 ? 0 : statSync(`/proc/self/fd/${netns}`).ino)
