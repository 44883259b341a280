/** What is not there any more: a name without a device, a path without a file. */
const MISSING = ['ENODEV', 'ENOENT']

/** Whether an error says so. */
export const isMissing = (error: unknown): boolean =>
  MISSING.includes((error as NodeJS.ErrnoException).code ?? '')

/** What is asked; undefined where what it is about is gone. Other errors are thrown. */
export async function unlessGone<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask()
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}
