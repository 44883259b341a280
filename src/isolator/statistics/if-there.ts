/** What is not there any more: a name without a device, a path without a file. */
const GONE = ['ENODEV', 'ENOENT']

/** Undefined where what was asked about is gone; other errors are thrown. */
export async function ifThere<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer
  } catch (error) {
    if (GONE.includes((error as NodeJS.ErrnoException).code ?? '')) return undefined
    throw error
  }
}
