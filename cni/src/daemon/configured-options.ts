import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { input, isolatorOptions, type PortMappingIsolatorOptions } from 'rtnetlink'
import { isObject, readObject, type JsonObject } from '../network/go-json.js'
import { readNetworkConfig } from '../network/network-config.js'

/** The type that a network's configuration names the plug-in by. */
const PLUG_IN = 'rtnetlink-cni'

/** Where runtimes look for networks. */
export const NETWORKS = '/etc/cni/net.d'

/** What the daemon creates its isolator with, and where it says so. */
export interface ConfiguredOptions {
  readonly file: string
  readonly options: PortMappingIsolatorOptions
}

/**
 * Reads the options from a file; without one, from the first network in a folder that has our plug-in, in the order of the names, as
 * runtimes choose theirs.
 *
 * @throws CniError for what the file says; Error where there is none
 */
export function configuredOptions(file: string | undefined, folder = NETWORKS): ConfiguredOptions {
  if (file !== undefined)
    return { file, options: optionsIn(readObject(readFileSync(file, 'utf8'), file), file) }
  const files = readdirSync(folder).filter(name => /\.(conf|conflist|json)$/.test(name))
  for (const name of files.sort()) {
    const path = join(folder, name)
    const given = readObject(readFileSync(path, 'utf8'), path)
    if (isNetwork(given) && ourPlugIn(given)) return { file: path, options: optionsIn(given, path) }
  }
  throw new Error(`${folder} has no network with a plug-in of the type ${PLUG_IN}: give --config`)
}

/** A network has plug-ins, or is one; anything else is an object of options. */
const isNetwork = (given: JsonObject): boolean => 'plugins' in given || 'type' in given

function ourPlugIn(given: JsonObject): JsonObject | undefined {
  const { plugins = [given] } = given
  return Array.isArray(plugins)
    ? plugins.find((one: unknown): one is JsonObject => isObject(one) && one['type'] === PLUG_IN)
    : undefined
}

function optionsIn(given: JsonObject, file: string): PortMappingIsolatorOptions {
  if (!isNetwork(given)) return checkedOptions(given, file)
  const plugIn = ourPlugIn(given)
  if (!plugIn) throw new Error(`${file}: no plug-in of the type ${PLUG_IN}`)
  // As a runtime hands it to the plug-in.
  const { name, cniVersion } = given
  return readNetworkConfig(JSON.stringify({ ...plugIn, name, cniVersion })).options
}

function checkedOptions(given: JsonObject, file: string): PortMappingIsolatorOptions {
  const fault = isolatorOptions.faultIn(given)
  if (fault) throw new Error(`${file}: ${input.faultText(fault, 'the options')}`)
  return given as unknown as PortMappingIsolatorOptions
}
