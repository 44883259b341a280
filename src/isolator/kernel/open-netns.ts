import { NetworkNamespace, referencePath, type NetnsReference } from '../../netns/network-namespace.js'
import { IsolatorError } from '../isolator-error.js'
import { isRefusal, notPermitted } from './rights.js'

/** errnos that say nothing about the reference: no descriptor or memory is left. */
const NOT_THE_REFERENCE: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE', 'ENOMEM'])

/**
 * Opens the namespace that the option `netns` names.
 *
 * @throws IsolatorError ERR_INVALID_OPTION where it names none: no such name, path or process, a file of another kind, or
 *   a NetworkNamespace that is closed; ERR_NOT_PERMITTED where the process may not open it, such as by the pid of another
 *   user's process without CAP_SYS_PTRACE
 */
export function openNetns(reference: NetnsReference): NetworkNamespace {
  try {
    return NetworkNamespace.resolve(reference)
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException
    if (isRefusal(error)) throw notPermitted([{ what: 'open the network namespace', error }])
    if (NOT_THE_REFERENCE.has(code)) throw error
    throw new IsolatorError('ERR_INVALID_OPTION', `netns is ${wordsOf(reference)}: ${message}`, {
      details: { option: 'netns', value: reference },
      cause: error,
    })
  }
}

/** Opens the host's namespace; by default that of the caller. */
export const openHost = (reference: NetnsReference | undefined): NetworkNamespace =>
  reference === undefined ? NetworkNamespace.current() : openNetns(reference)

function wordsOf(reference: NetnsReference): string {
  if (reference instanceof NetworkNamespace) return 'a NetworkNamespace'
  const path = referencePath(reference)
  return typeof reference === 'number'
    ? `the pid ${reference}`
    : path === reference
      ? `'${path}'`
      : `'${reference}', ${path}`
}
