import { isObject, readObject } from '../network/go-json.js'
import { CniError, CODE } from '../spec/cni-error.js'

/** Of a container, as runtimes write it to the standard input of hooks (OCI runtime specification, "State"). */
export interface State {
  readonly id: string
  /** Of the first process. Absent when it has ended. */
  readonly pid: number | undefined
  readonly annotations: Readonly<Record<string, unknown>>
}

/** @throws CniError 6 for what is no JSON, 7 for what is no state */
export function readState(text: string): State {
  const { id, pid, annotations = {} } = readObject(text, 'the state of the container')
  if (typeof id !== 'string') throw malformed('id', id)
  if (pid !== undefined && typeof pid !== 'number') throw malformed('pid', pid)
  if (!isObject(annotations)) throw malformed('annotations', annotations)
  return { id, pid: pid === 0 ? undefined : pid, annotations }
}

const malformed = (name: string, value: unknown): CniError =>
  new CniError(
    CODE.invalidConfiguration,
    `standard input is no state of a container: ${name} is ${JSON.stringify(value)}`,
  )
