import { addresses } from './addresses.js'
import { arps } from './arp.js'
import type { Group } from './check.js'
import { headers } from './headers.js'
import { icmps } from './icmp.js'
import { inbound } from './inbound.js'
import { links } from './links.js'
import { local } from './local.js'
import { ports } from './ports.js'

export const GROUPS: readonly Group[] = [links, arps, addresses, ports, headers, icmps, local, inbound]
