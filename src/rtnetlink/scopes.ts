import { namedNumbers } from '../netlink/codec/named.js'

/** RT_SCOPE_*, linux/rtnetlink.h, in the words of `ip`. */
export const scopes = namedNumbers('scope', { global: 0, site: 200, link: 253, host: 254, nowhere: 255 })

export type Scope = keyof typeof scopes.numbers | number
