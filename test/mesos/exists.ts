/** What the kernel answers where an object, or the device it would be on, is not there. */
const ABSENT = new Set(['ENODEV', 'ENOENT'])

/** Mesos's `exists()` and `Try<bool>`: false where the object is not there, true where `find` succeeds. Other errors are thrown. */
export function exists(find: () => unknown): boolean {
  try {
    find()
    return true
  } catch (error) {
    if (ABSENT.has((error as NodeJS.ErrnoException).code ?? '')) return false
    throw error
  }
}
