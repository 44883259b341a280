import type { ContainerFacts } from '../plan/facts.js'

/** A container that another isolator has made on the same host, in whatever process. */
export interface OtherContainer extends Pick<
  ContainerFacts,
  'id' | 'slot' | 'ports' | 'ephemeralPorts' | 'hold' | 'enforced'
> {
  /** The index of its veth. */
  readonly ifindex: number
  /** Whether its veth has been seen up, with its ports noted: should it be down by now, somebody has set it down. */
  readonly complete: boolean
  /** The number that the host's namespace has for the container's. */
  readonly nsid: number | undefined
}

/** Those that were on the host at the last look. */
export class OtherContainers {
  readonly #byId: ReadonlyMap<string, OtherContainer>
  readonly #bySlot: ReadonlyMap<number, OtherContainer>
  readonly #byNsid: ReadonlyMap<number | undefined, OtherContainer>

  constructor(readonly all: readonly OtherContainer[] = []) {
    this.#byId = new Map(all.map(other => [other.id, other]))
    this.#bySlot = new Map(all.map(other => [other.slot, other]))
    this.#byNsid = new Map(all.map(other => [other.nsid, other]))
  }

  withId(id: string): OtherContainer | undefined {
    return this.#byId.get(id)
  }

  inSlot(slot: number): OtherContainer | undefined {
    return this.#bySlot.get(slot)
  }

  inNamespace(nsid: number): OtherContainer | undefined {
    return this.#byNsid.get(nsid)
  }
}
