/** What JSON.stringify leaves as it is, though a terminal obeys it: DEL, C1 controls, invisible characters such as U+202E. */
const OBEYED = /[\u007f-\u009f\p{Cf}\p{Zl}\p{Zp}]/gu

/**
 * JSON that is safe to show: no name of the kernel reaches the terminal as a control sequence. It reads back the same.
 *
 * @param indent how far members are indented; 0 for one line
 */
export const jsonText = (
  value: unknown,
  { replacer, indent = 2 }: { replacer?: (key: string, value: unknown) => unknown; indent?: number } = {},
): string => JSON.stringify(value, replacer, indent).replace(OBEYED, escaped)

const escaped = (char: string): string =>
  Array.from(
    { length: char.length },
    (_, i) => `\\u${char.charCodeAt(i).toString(16).padStart(4, '0')}`,
  ).join('')
