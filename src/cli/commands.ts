import type { Command } from './command.js'
import { completionOf } from './completion/completion.js'
import { addresses } from './netlink/addresses.js'
import { classes } from './netlink/classes.js'
import { filters } from './netlink/filters.js'
import { links } from './netlink/links.js'
import { monitor } from './netlink/monitor.js'
import { neighbours } from './netlink/neighbours.js'
import { qdiscs } from './netlink/qdiscs.js'
import { routes } from './netlink/routes.js'
import { sockets } from './netlink/sockets.js'

const working: readonly Command[] = [
  links,
  addresses,
  routes,
  neighbours,
  qdiscs,
  classes,
  filters,
  sockets,
  monitor,
]

/** All commands, in the order of the help. */
export const COMMANDS: readonly Command[] = [...working, completionOf(working)]
