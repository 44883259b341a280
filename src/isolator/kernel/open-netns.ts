import { NetworkNamespace, referencePath, type NetnsReference } from '../../netns/network-namespace.js'
import { IsolatorError } from '../isolator-error.js'

/** errnos that say nothing about the reference: no descriptor or memory is left, or a privilege is missing. */
const NOT_THE_REFERENCE: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE', 'ENOMEM', 'EACCES', 'EPERM'])

/**
 * Opens the namespace that the option `netns` names.
 *
 * @throws IsolatorError ERR_INVALID_OPTION where it names none: no such name, path or process, a file of another kind, or
 *   a NetworkNamespace that is closed
 */
export function openNetns(reference: NetnsReference): NetworkNamespace {
  try {
    return NetworkNamespace.resolve(reference)
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException
    if (NOT_THE_REFERENCE.has(code)) throw error
    throw new IsolatorError('ERR_INVALID_OPTION', `netns is ${wordsOf(reference)}: ${message}`, {
      details: { option: 'netns', value: reference },
      cause: error,
    })
  }
}

function wordsOf(reference: NetnsReference): string {
  if (reference instanceof NetworkNamespace) return 'a NetworkNamespace'
  const path = referencePath(reference)
  return typeof reference === 'number'
    ? `the pid ${reference}`
    : path === reference
      ? `'${path}'`
      : `'${reference}', ${path}`
}
