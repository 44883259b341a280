const CODES: ReadonlySet<string> = new Set([
  'EMFILE',
  'ENFILE',
  'ENOMEM',
  'ENOBUFS',
  'EAGAIN',
  'ERR_NETLINK_OVERRUN',
])

/** Whether an error says that this process or machine has no more of something: that is no fault of whom was asked. */
export const isExhaustion = (error: unknown): boolean =>
  CODES.has((error as NodeJS.ErrnoException).code ?? '')
