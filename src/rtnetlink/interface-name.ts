import { textThat, type Declaration } from '../input/index.js'

/** IFNAMSIZ and ALTIFNAMSIZ, linux/if.h, without the final NUL. */
const NAME_BYTES = 15
export const ALTERNATIVE_NAME_BYTES = 127

const byteLength = (name: string): number => Buffer.byteLength(name)

/** A further name of a link, as a caller gives it. */
export const alternativeNameInput: Declaration<string> = textThat(
  `a name of 1 to ${ALTERNATIVE_NAME_BYTES} bytes`,
  name => name !== '' && !name.includes('\0') && byteLength(name) <= ALTERNATIVE_NAME_BYTES,
)

/** Checks a name as the kernel does (dev_valid_name, net/core/dev.c). Throws TypeError that names `member`. */
export function interfaceName(member: string, name: string): string {
  const valid =
    name !== '' && name !== '.' && name !== '..' && !/[/:\s\0]/.test(name) && byteLength(name) <= NAME_BYTES
  if (valid) return name
  throw new TypeError(
    `${member}: '${name}' is not an interface name: up to ${NAME_BYTES} bytes without '/', ':' or space`,
  )
}

/** The attribute that finds a link by `name`: a name that is too long for an interface is an alternative name. */
export function nameAttribute(name: string): { name: string } | { altName: string } {
  const length = byteLength(name)
  if (length > NAME_BYTES && length <= ALTERNATIVE_NAME_BYTES && !name.includes('\0'))
    return { altName: name }
  return { name: interfaceName('dev', name) }
}
