import type { Command } from './command.js'
import { completionOf } from './completion/completion.js'
import { clean } from './containers/clean.js'
import { explain } from './containers/explain.js'
import { list } from './containers/list.js'
import { probe } from './containers/probe.js'
import { remove } from './containers/remove.js'
import { repair } from './containers/repair.js'
import { show } from './containers/show.js'
import { usage } from './containers/usage.js'
import { verify } from './containers/verify.js'
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
  list,
  show,
  usage,
  explain,
  verify,
  repair,
  clean,
  remove,
  probe,
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
