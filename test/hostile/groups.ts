import { addresses } from './addresses.js'
import { addresses6 } from './addresses6.js'
import { arps } from './arp.js'
import type { Group } from './check.js'
import { headers } from './headers.js'
import { headers6 } from './headers6.js'
import { icmps } from './icmp.js'
import { icmps6 } from './icmp6.js'
import { inbound } from './inbound.js'
import { inbound6 } from './inbound6.js'
import { links } from './links.js'
import { links6 } from './links6.js'
import { local } from './local.js'
import { local6 } from './local6.js'
import { lives, lives6 } from './lives.js'
import { neighbours6 } from './neighbours6.js'
import { offloads, offloads6 } from './offloads.js'
import { paths } from './paths.js'
import { paths6 } from './paths6.js'
import { ports, ports6 } from './ports.js'
import { roots, roots6 } from './roots.js'
import { routers6 } from './routers6.js'
import { tricks } from './tricks.js'
import { tricks6 } from './tricks6.js'
import { tunnels6 } from './tunnels6.js'

/** The last one is more than the classic layout can bear. */
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
  roots,
  lives,
]

/** The same of IPv6, and what only IPv6 has. */
export const GROUPS6: readonly Group[] = [
  paths6,
  links6,
  neighbours6,
  routers6,
  addresses6,
  ports6,
  headers6,
  icmps6,
  tunnels6,
  local6,
  inbound6,
  tricks6,
  offloads6,
  roots6,
  lives6,
]
