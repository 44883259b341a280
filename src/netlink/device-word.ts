import type { Device } from './devices.js'
import { shellWord } from './shell-word.js'

/** A device on a command line: `ip` and `tc` take `if7` for the one with index 7. */
export const deviceWord = (dev: Device): string => shellWord(typeof dev === 'number' ? `if${dev}` : dev)
