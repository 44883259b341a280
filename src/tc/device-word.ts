import type { Device } from '../netlink/devices.js'
import { shellWord } from '../netlink/shell-word.js'

/** A device on the command line of `tc`, which takes `if7` for the one with index 7. */
export const deviceWord = (dev: Device): string => shellWord(typeof dev === 'number' ? `if${dev}` : dev)
