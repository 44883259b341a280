import { argument, type ArgumentCheck, type Declaration } from '../input/index.js'
import { encodeError } from './codec/encode-error.js'
import type { ObjectType, Verb } from './object-type.js'

/** What callers hand in for the verbs of one kind of object. */
export interface ObjectInputs<Spec, Key, Query> {
  /** What `add`, `replace` and `change` take. It passes over what only `list` gives. */
  readonly spec: Declaration<Spec>
  /** What `delete` and `get` take. It passes over what else a listed object has. */
  readonly key: Declaration<Key>
  readonly query: Declaration<Query>
}

/**
 * A kind of kernel object, the verbs of which a socket has under the name `table`. Everything that a caller hands in is
 * checked against `inputs` before a message is made of it, and errors begin with the verb: `filters.add: unknown
 * 'options', did you mean 'actions'?`.
 */
export function checkedObject<Spec, Key, Query, Decoded extends Spec, Taken>(
  table: string,
  inputs: ObjectInputs<Spec, Key, Query>,
  object: ObjectType<Spec, Key, Query, Decoded, Taken>,
): ObjectType<Spec, Key, Query, Decoded, Taken> {
  const checks: Readonly<Record<Verb, ArgumentCheck>> = {
    add: argument(`${table}.add`, 'spec', inputs.spec),
    replace: argument(`${table}.replace`, 'spec', inputs.spec),
    change: argument(`${table}.change`, 'spec', inputs.spec),
    delete: argument(`${table}.delete`, 'key', inputs.key),
    get: argument(`${table}.get`, 'key', inputs.key),
  }
  const checkQuery = argument(`${table}.list`, 'query', inputs.query)
  return {
    ...object,
    toNew(spec, devices, verb) {
      checks[verb](spec)
      try {
        return object.toNew(spec, devices, verb)
      } catch (error) {
        throw encodeError(`${table}.${verb}`, error)
      }
    },
    ...(object.inSteps && {
      inSteps(spec: Spec) {
        checks.add(spec)
        return object.inSteps?.(spec)
      },
    }),
    toDelete(key, devices) {
      checks.delete(key)
      try {
        return object.toDelete(key, devices)
      } catch (error) {
        throw encodeError(`${table}.delete`, error)
      }
    },
    toGet(key, devices) {
      checks.get(key)
      try {
        return object.toGet(key, devices)
      } catch (error) {
        throw encodeError(`${table}.get`, error)
      }
    },
    toDump(query, devices) {
      checkQuery(query)
      try {
        return object.toDump(query, devices)
      } catch (error) {
        throw encodeError(`${table}.list`, error)
      }
    },
  }
}
