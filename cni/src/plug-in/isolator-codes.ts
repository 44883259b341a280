import type { IsolatorError, IsolatorErrorCode } from 'rtnetlink'
import { CODE, type Code } from '../spec/cni-error.js'

const codes: Record<IsolatorErrorCode, Code> = {
  ERR_INVALID_OPTION: CODE.invalidConfiguration,
  ERR_PORTS_OVERLAP: CODE.portsOverlap,
  ERR_PORTS_UNMANAGED: CODE.portsUnmanaged,
  ERR_PORTS_IN_USE: CODE.portsInUse,
  ERR_PORTS_EXHAUSTED: CODE.portsExhausted,
  ERR_CONTAINER_EXISTS: CODE.exists,
  ERR_CONTAINER_UNKNOWN: CODE.unknownContainer,
  ERR_NOT_PERMITTED: CODE.notAvailable,
  ERR_KERNEL_UNSUPPORTED: CODE.notAvailable,
  ERR_FOREIGN_STATE: CODE.foreignState,
  ERR_INSIDE_CONTAINER: CODE.unexpected,
  ERR_NOT_REMOVED: CODE.tryAgainLater,
  ERR_NOT_UNDONE: CODE.unexpected,
  ERR_NO_DESCRIPTORS: CODE.tryAgainLater,
  ERR_HOST_BUSY: CODE.tryAgainLater,
  ERR_ISOLATOR_CLOSED: CODE.tryAgainLater,
}

/** How a runtime is to understand an error of the isolator. */
export const codeOf = ({ code }: IsolatorError): Code => codes[code]
