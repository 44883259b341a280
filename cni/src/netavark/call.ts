import { isObject, readObject, type JsonObject } from '../network/go-json.js'
import type { Call } from '../spec/call.js'
import { CniError, CODE } from '../spec/cni-error.js'
import { configurationOf, objectIn } from './network.js'

/**
 * What the plug-in is to do when netavark calls `setup`.
 *
 * @param netns the path of the container's network namespace
 * @param text netavark's `NetworkPluginExec`
 * @throws CniError 6 and 7 for what is malformed, 7 for a MAC and options of the container's own, which there cannot be
 */
export function setupCall(netns: string, text: string): Call {
  const exec = readExec(text)
  const { static_mac, static_ips, options = {} } = objectIn(exec, 'network_options')
  if (static_mac !== undefined && static_mac !== '')
    throw refused(`the MAC ${JSON.stringify(static_mac)} cannot be had: containers have the host's`)
  const [option] = Object.keys(options as object)
  if (option !== undefined) throw refused(`there is no option '${option}' of a container`)
  return callOf('ADD', netns, exec, {
    portMappings: listIn(exec, 'port_mappings').flatMap(mappingsOf),
    ...(static_ips !== undefined && { ips: static_ips }),
  })
}

/** What it is to do for `teardown`. @throws CniError 6 and 7 for what is malformed */
export const teardownCall = (netns: string, text: string): Call => callOf('DEL', netns, readExec(text))

const readExec = (text: string): JsonObject => readObject(text, "netavark's call")

function callOf(
  CNI_COMMAND: 'ADD' | 'DEL',
  CNI_NETNS: string,
  exec: JsonObject,
  runtimeConfig?: JsonObject,
): Call {
  const { interface_name } = objectIn(exec, 'network_options')
  const configuration = configurationOf(objectIn(exec, 'network'))
  return {
    environment: {
      CNI_COMMAND,
      CNI_CONTAINERID: textOf('container_id', exec['container_id']),
      CNI_IFNAME: textOf('interface_name', interface_name),
      CNI_NETNS,
    },
    input: JSON.stringify({ ...configuration, ...(runtimeConfig && { runtimeConfig }) }),
  }
}

/** A mapping of a range, and of several protocols, `tcp,udp`, as mappings of a port each. */
function mappingsOf(mapping: JsonObject): JsonObject[] {
  const { container_port, host_port, host_ip = '', protocol = 'tcp', range = 1 } = mapping
  const ports = [container_port, host_port, range].map(Number)
  const [containerPort = 0, hostPort = 0, count = 0] = ports
  // 0 stands for one, where it is not set.
  const last = Math.max(containerPort, hostPort) + Math.max(1, count) - 1
  if (!ports.every(Number.isInteger) || last > 0xffff)
    throw refused(`a port mapping is ${JSON.stringify(mapping)}: expected ports up to 65535`)
  return Array.from({ length: Math.max(1, count) }, (_, i) =>
    String(protocol)
      .split(',')
      .map(one => ({
        containerPort: containerPort + i,
        hostPort: hostPort + i,
        hostIP: host_ip,
        protocol: one,
      })),
  ).flat()
}

function listIn(exec: JsonObject, name: string): JsonObject[] {
  const { [name]: value = [] } = exec
  if (Array.isArray(value) && value.every(isObject)) return value
  throw refused(`${name} is ${JSON.stringify(value)}: expected a list of objects`)
}

function textOf(name: string, value: unknown): string {
  if (typeof value === 'string') return value
  throw refused(`${name} is ${JSON.stringify(value)}: expected text`)
}

const refused = (message: string): CniError => new CniError(CODE.invalidConfiguration, message)
