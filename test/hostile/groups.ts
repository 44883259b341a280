import { addresses } from './addresses.js'
import { arps } from './arp.js'
import type { Group } from './check.js'
import { headers } from './headers.js'
import { icmps } from './icmp.js'
import { inbound } from './inbound.js'
import { links } from './links.js'
import { local } from './local.js'
import { lives } from './lives.js'
import { offloads } from './offloads.js'
import { paths } from './paths.js'
import { ports } from './ports.js'
import { roots } from './roots.js'
import { tricks } from './tricks.js'

export const GROUPS: readonly Group[] = [
  paths,
  links,
  arps,
  addresses,
  ports,
  headers,
  icmps,
  local,
  inbound,
  tricks,
  offloads,
  lives,
  roots,
]
