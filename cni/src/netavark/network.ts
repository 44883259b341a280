import { isolatorOptions } from 'rtnetlink'
import { isObject, readObject, type JsonObject } from '../network/go-json.js'
import { readNetworkConfig } from '../network/network-config.js'
import { CniError, CODE } from '../spec/cni-error.js'
import { NEWEST } from '../spec/versions.js'

/** Members of a network that mean nothing where containers have the host's address, and what podman calls them. */
const MEANINGLESS: Readonly<Record<string, string>> = {
  subnets: '--subnet',
  routes: '--route',
  internal: '--internal',
  network_dns_servers: '--dns',
}

/**
 * The network that `podman network create` asks for, completed: netavark is to give out no addresses and to run no name server;
 * podman itself holds published ports from before a setup on, so that they are in use by then.
 *
 * @param text netavark's `Network`; its driver's options are keys of our configuration, as text or JSON
 * @throws CniError 7 for what means nothing here, and as for a configuration
 */
export function createdNetwork(text: string): JsonObject {
  const network = readObject(text, 'the network')
  const meaningless = Object.keys(MEANINGLESS).find(name => isGiven(network[name]))
  if (meaningless !== undefined)
    throw new CniError(
      CODE.invalidConfiguration,
      `${MEANINGLESS[meaningless]} means nothing here: containers of this driver have the host's address and its routes`,
    )
  if (isGiven(network['ipv6_enabled']))
    throw new CniError(
      CODE.invalidConfiguration,
      `--ipv6 asks for addresses of the network's own: --opt ipv6=true gives containers the host's IPv6 addresses`,
    )
  const created = {
    ...network,
    dns_enabled: false,
    ipam_options: { driver: 'none' },
    options: { hostSockets: 'ignore', ...objectIn(network, 'options') },
  }
  readNetworkConfig(JSON.stringify(configurationOf(created)))
  return created
}

const isGiven = (value: unknown): boolean =>
  Array.isArray(value) ? value.length > 0 : value !== undefined && value !== false

/** The configuration that the plug-in is called with for a network of podman's. */
export function configurationOf(network: JsonObject): JsonObject {
  const { name, network_interface: publicInterface } = network
  const options = Object.entries(objectIn(network, 'options'))
  return {
    cniVersion: NEWEST,
    name,
    type: 'rtnetlink-cni',
    ...(publicInterface !== undefined && publicInterface !== '' && { publicInterface }),
    ...Object.fromEntries(options.map(([name, value]) => [name, valueOf(name, value)])),
  }
}

/** podman's options are text: `64` and `true` are read where text is not what the option takes. */
function valueOf(name: string, value: unknown): unknown {
  const declaration = isolatorOptions.members?.get(name)?.declaration
  if (typeof value !== 'string' || !declaration || declaration.accepts(value)) return value
  try {
    return JSON.parse(value)
  } catch {
    return value
  }
}

/** A member that is an object, or empty. @throws CniError 7 */
export function objectIn(given: JsonObject, name: string): JsonObject {
  const { [name]: value = {} } = given
  if (isObject(value)) return value
  throw new CniError(CODE.invalidConfiguration, `${name} is ${JSON.stringify(value)}: expected an object`)
}
