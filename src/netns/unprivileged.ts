import { missingPrivilege } from '../native/missing-privilege.js'
import { ownRights } from '../native/own-rights.js'
import { SystemError } from '../native/system-error.js'

/** Runs a program, here `node program.js`, where it may make network namespaces and name them, without being root. */
const RECIPE = `unshare -Urnm sh -c 'mount -t tmpfs tmpfs /run && exec "$@"' sh node program.js`

/** How to do without privileges. */
export const WITHOUT_ROOT = `Without root, start the program in a user namespace: ${RECIPE}`

/** The error of making or naming a namespace; where a privilege is missing, it says how to do without. */
export function withRecipe(error: unknown): unknown {
  const { errno, syscall = '', path } = error as NodeJS.ErrnoException
  const missing = errno === undefined ? undefined : missingPrivilege(errno, syscall, path)
  if (errno === undefined || missing === undefined || isRefusedByFilter()) return error
  const help = `${missing}. ${WITHOUT_ROOT}`
  return new SystemError(errno, syscall, path, help)
}

/** Does work that makes or names namespaces; where a privilege is missing, the error says how to do without. */
export async function orRecipe<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw withRecipe(error)
  }
}

/** A seccomp filter that refuses what root may do stays in force in a user namespace. */
function isRefusedByFilter(): boolean {
  const { has, isFiltered } = ownRights()
  return isFiltered && has('CAP_SYS_ADMIN')
}
