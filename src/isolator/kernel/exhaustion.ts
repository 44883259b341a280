import { IsolatorError } from '../isolator-error.js'

const CODES: ReadonlySet<string> = new Set([
  'EMFILE',
  'ENFILE',
  'ENOMEM',
  'ENOBUFS',
  'EAGAIN',
  'ERR_NETLINK_OVERRUN',
])

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException | undefined)?.code ?? ''

/** Whether an error says that this process or machine has no more of something: that is no fault of whom was asked. */
export const isExhaustion = (error: unknown): boolean => CODES.has(codeOf(error))

/** The limits of file descriptors, by the errno that says that one is reached. */
const LIMITS: ReadonlyMap<string, { readonly limit: string; readonly words: string }> = new Map([
  [
    'EMFILE',
    {
      limit: 'RLIMIT_NOFILE',
      words: 'this process has as many as RLIMIT_NOFILE allows: ulimit -n, or LimitNOFILE= of its unit',
    },
  ],
  ['ENFILE', { limit: 'fs.file-max', words: 'this machine has as many as the sysctl fs.file-max allows' }],
])

/** An error as it is; that of a process or machine without a file descriptor to spare names the limit. */
export function namingLimit(error: unknown): unknown {
  const reached = LIMITS.get(codeOf(error))
  if (!reached) return error
  const { limit, words } = reached
  return new IsolatorError('ERR_NO_DESCRIPTORS', `no file descriptor is left: ${words}`, {
    details: { limit },
    cause: error,
  })
}

/** Does the work of a call. If there is no file descriptor to spare, then its error names the limit. */
export async function withLimitNamed<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw namingLimit(error)
  }
}
