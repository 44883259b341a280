import { HOST_IP, REMOTE_IP } from '../helpers/topology.js'
import { LOOPBACK6 } from '../isolator/inet6-frames.js'
import { HOST_IP6, NOT_SHARED, REMOTE_IP6 } from '../isolator/inet6-topology.js'
import type { Check } from './check.js'
import { ELSEWHERE, LOCALHOST, ported, SECOND_ADDRESS, segment, syn, type Frame } from './frames.js'
import { ELSEWHERE6, ported6, segment6, syn6 } from './frames6.js'

/** What frames of both families have. */
export interface CommonFields {
  mac?: string
  to?: string
  vlans?: number[]
  source?: string
  destination?: string
  /** The protocol, or the next header. */
  protocol?: number
  sourcePort?: number
  destinationPort?: number
}

/** A family, for checks that both have. */
export interface Family {
  readonly host: string
  readonly remote: string
  readonly loopback: string
  /** Any of the namespace's own. */
  readonly any: string
  /** The host's other address on the wire. */
  readonly second: string
  /** An address that nobody has. */
  readonly elsewhere: string
  /** Bytes of a header without options. */
  readonly headerLength: number
  /** Where in a header the source address is. */
  readonly sourceAt: number
  readonly ported: (fields?: CommonFields) => Frame
  readonly segment: (flags: number, fields?: CommonFields) => Frame
  readonly syn: (fields?: CommonFields) => Frame
}

export const INET: Family = {
  host: HOST_IP,
  remote: REMOTE_IP,
  loopback: LOCALHOST,
  any: '0.0.0.0',
  second: SECOND_ADDRESS,
  elsewhere: ELSEWHERE,
  headerLength: 20,
  sourceAt: 12,
  ported,
  segment,
  syn,
}

export const INET6: Family = {
  host: HOST_IP6,
  remote: REMOTE_IP6,
  loopback: LOOPBACK6,
  any: '::',
  second: NOT_SHARED,
  elsewhere: ELSEWHERE6,
  headerLength: 40,
  sourceAt: 8,
  ported: ported6,
  segment: segment6,
  syn: syn6,
}

/** What the id of a check begins with that does with IPv6 what another does with IPv4. */
export const TWIN = '6'
export const twins = (checks: readonly Check[]): Check[] =>
  checks.map(check => ({ ...check, id: TWIN + check.id }))
