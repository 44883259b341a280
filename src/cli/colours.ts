/** The colours that are used, as SGR codes: what is good, what is bad, what needs a look, what is less important. */
const CODES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33 } as const

export type Colour = keyof typeof CODES

/** Text in a colour, for a terminal. */
export const inColour = (text: string, colour: Colour): string => `\x1b[${CODES[colour]}m${text}\x1b[0m`
