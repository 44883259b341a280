import { CniError, CODE } from '../spec/cni-error.js'
import { NEWEST } from '../spec/versions.js'
import { isObject, readObject, type JsonObject } from './go-json.js'

const TYPE = 'rtnetlink-cni'

/**
 * The configuration of our plug-in in what an administrator writes: that of one plug-in, or a list of plug-ins, of which it is the
 * only one, since nothing but a CNI runtime runs a chain.
 *
 * @param name of the network, where the file does not say
 * @throws CniError 6 for what is no JSON, 7 where our plug-in is not in it, or others are
 */
export function configurationIn(text: string, name: string): JsonObject {
  const given = readObject(text)
  if (given['plugins'] === undefined) return { cniVersion: NEWEST, name, ...given }
  const { plugins, cniVersion = NEWEST, name: own = name } = given
  const types = Array.isArray(plugins) ? plugins.map(typeOf) : []
  const other = types.find(type => type !== TYPE)
  if (types.length === 1 && other === undefined)
    return { ...((plugins as JsonObject[])[0] as JsonObject), cniVersion, name: own }
  throw new CniError(
    CODE.invalidConfiguration,
    `plugins is ${types.length === 0 ? 'no list of plug-ins' : `a list of ${types.join(', ')}`}: expected ${TYPE} alone`,
  )
}

const typeOf = (plugin: unknown): string => (isObject(plugin) ? String(plugin['type']) : 'no object')
