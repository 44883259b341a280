/**
 * 4 or 6 for the text of an IP address of that version, else 0: `isIP` of node:net, which is loaded at the first use. It
 * brings all of Node's TCP along, which programs that only import this package need not pay for.
 */
export const ipVersion = (text: string): number => process.getBuiltinModule('node:net').isIP(text)

export const isIpv4 = (text: string): boolean => ipVersion(text) === 4
export const isIpv6 = (text: string): boolean => ipVersion(text) === 6
