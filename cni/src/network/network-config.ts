import { input, isolatorOptions, type PortMappingIsolatorOptions } from 'rtnetlink'
import { CniError, CODE } from '../spec/cni-error.js'
import type { Dns } from '../spec/result.js'
import { isVersion, VERSIONS, type Version } from '../spec/versions.js'
import { readObject, type JsonObject } from './go-json.js'
import { runtimeConfig, withKnownNames, type RuntimeConfig } from './runtime-config.js'

const { anything, boolean, faultText, list, namesOf, object, optional, shown, text, textThat } = input

/** The specification's, section 1. */
const isNetworkName = (name: string): boolean => /^[a-z0-9][a-z0-9_.-]*$/i.test(name)

const networkName = textThat("the network's name: letters, digits, dot, dash and underscore", isNetworkName)

const dns = object({
  nameservers: optional(list(text())),
  domain: optional(text()),
  search: optional(list(text())),
  options: optional(list(text())),
})

const attachments = list(object({ containerID: text(), ifname: text() }))

/** A network's configuration: what the specification has in it, our own keys, and the options of the isolator. */
const networkConfig = object(
  {
    cniVersion: text(),
    cniVersions: optional(list(text())),
    name: networkName,
    type: text('the name of the plug-in'),
    capabilities: optional(anything),
    runtimeConfig: optional(runtimeConfig),
    args: optional(anything),
    prevResult: optional(anything),
    dns: optional(dns),
    /** Containers have the host's address: there is nothing to hide, and nobody to ask for one. */
    ipMasq: optional(boolean),
    ipam: optional(object({})),
    /** Which of the isolator's `ports` containers may ask for. Default: all of them. */
    requestablePorts: optional(text("ranges such as '31000-31999'")),
  },
  isolatorOptions,
)

type Given = input.InputOf<typeof networkConfig>

/** Options that are a daemon's or a program's to say, not a network's. */
const NOT_OF_A_NETWORK = ['netns', 'exclusive'] as const

/** What every call needs to know of a network. */
export interface Network {
  readonly version: Version
  readonly name: string
}

/** A network's configuration, read. */
export interface NetworkConfig extends Network {
  /** What the isolator is created with. */
  readonly options: PortMappingIsolatorOptions
  readonly requestablePorts: string | undefined
  readonly runtime: RuntimeConfig
  readonly dns: Dns
}

/** The version that a configuration is written in, for the answer; undefined where there is none that we speak. */
export function versionIn(text: string): Version | undefined {
  try {
    return versionOf(readObject(text))
  } catch {
    return undefined
  }
}

/**
 * What a DEL needs: it succeeds whatever became of the rest.
 *
 * @throws CniError 6 for what is no JSON, 1 for another version, 7 without a name
 */
export const readNetwork = (text: string): Network => networkOf(readObject(text))

/** @throws CniError 6 for what is no JSON, 1 for another version, 2 for an unknown key, 7 for all else */
export function readNetworkConfig(text: string): NetworkConfig {
  const given = readObject(text)
  const network = networkOf(given)
  const { runtimeConfig, ...rest } = given
  const config = checked(
    runtimeConfig === undefined ? rest : { ...rest, runtimeConfig: withKnownNames(runtimeConfig) },
  )
  return {
    ...network,
    options: optionsOf(config),
    requestablePorts: config.requestablePorts,
    runtime: config.runtimeConfig ?? {},
    dns: config.dns ?? {},
  }
}

/** A container that a runtime has, by id and interface. */
export type ValidAttachment = input.InputOf<typeof attachments>[number]

/** Those that a GC is to keep. @throws CniError 7 where the list is malformed, or missing: nothing goes by mistake */
export function validAttachments(text: string): readonly ValidAttachment[] {
  const name = 'cni.dev/valid-attachments'
  // A list in Go that has nothing is null; where the list is missing, nothing is known.
  const isNull = (JSON.parse(text) as JsonObject)[name] === null
  const given = isNull ? [] : readObject(text)[name]
  const fault = attachments.faultIn(given)
  if (!fault) return given as readonly ValidAttachment[]
  throw new CniError(CODE.invalidConfiguration, `cni.dev/valid-attachments: ${faultText(fault, 'the list')}`)
}

function networkOf(given: JsonObject): Network {
  const version = versionOf(given)
  const { name } = given
  if (typeof name === 'string' && isNetworkName(name)) return { version, name }
  throw new CniError(CODE.invalidConfiguration, `name is ${shown(name)}: expected ${networkName.words}`)
}

function versionOf({ cniVersion }: JsonObject): Version {
  if (isVersion(cniVersion)) return cniVersion
  throw new CniError(
    CODE.incompatibleVersion,
    `cniVersion is ${shown(cniVersion)}: this plug-in speaks ${VERSIONS.join(', ')}`,
  )
}

function checked(given: JsonObject): Given {
  const misplaced = NOT_OF_A_NETWORK.find(name => name in given)
  if (misplaced !== undefined)
    throw new CniError(
      CODE.unsupportedField,
      `'${misplaced}' is no option of a network: the plug-in works where the runtime calls it`,
    )
  const fault = networkConfig.faultIn(given)
  if (!fault) return given as unknown as Given
  throw new CniError(
    fault.problem === 'unknown' ? CODE.unsupportedField : CODE.invalidConfiguration,
    faultText(fault, 'the configuration'),
  )
}

function optionsOf(config: Given): PortMappingIsolatorOptions {
  const names = namesOf(isolatorOptions)
  const options = Object.entries(config).filter(([name]) => names.has(name))
  return Object.fromEntries(options) as unknown as PortMappingIsolatorOptions
}
