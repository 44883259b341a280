/** IPv4 or IPv6 alone, in the words of the library. */
export const familyOption = {
  type: 'string',
  short: 'f',
  value: 'FAMILY',
  choices: ['inet', 'inet6'],
  about: 'IPv4 or IPv6 alone',
} as const

/** The part of a query that asks for a family. */
export const familyOf = (value: string | undefined): { family?: 'inet' | 'inet6' } =>
  value === undefined ? {} : { family: value as 'inet' | 'inet6' }
