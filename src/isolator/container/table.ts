import type { NetnsReference } from '../../netns/network-namespace.js'
import { EphemeralAllocator } from '../ports/ephemeral-allocator.js'
import { IsolatorError } from '../isolator-error.js'
import { allPorts, type ContainerFacts } from '../plan/facts.js'
import { PortOwners } from '../ports/port-owners.js'
import { PortRanges, type PortRange } from '../ports/port-ranges.js'
import type { RateLimit } from '../options/rate-limit.js'
import { OtherContainers, type OtherContainer } from './others.js'
import type { Process } from './process.js'
import { SlotAllocator } from './slot-allocator.js'

/** A container that the isolator knows of. */
export interface Container extends ContainerFacts {
  slot: number
  ports: PortRanges
  ephemeralPorts: PortRange
  egress?: RateLimit | undefined
  ingress?: RateLimit | undefined
  /** The path of its namespace, for explain(): where it was found, which need not lead to it any more. */
  reference: string
  /** The process whose end is the container's, where one is known. */
  readonly process?: Process | undefined
  /** The identity of its namespace, once it has one. When the namespace has ended, another can have the same. */
  namespace?: string
  /** The index of its veth, once that is there: a later container of the same id and slot has another. */
  ifindex?: number | undefined
  /** Whether that has been given its name in /run/netns, which keeps it until the name is taken away. */
  named?: boolean
  /** Settles when the call that makes or removes it is through; others wait for it. Never rejects. */
  settled: Promise<unknown>
}

/** A container that is asked for, before it has a place, and its namespace. */
export type WantedContainer = Pick<
  Container,
  'id' | 'ports' | 'reference' | 'egress' | 'ingress' | 'enforced' | 'hold' | 'interfaceName' | 'process'
> & { readonly netns: NetnsReference }

/** The ports that an isolator may give away. */
export interface ManagedPorts {
  readonly ports: PortRanges
  readonly ephemeralPorts: PortRanges
  readonly ephemeralPortsPerContainer: number
}

/**
 * Who has which slot and which ports. What it costs to add a container does not depend on how many there are.
 */
export class ContainerTable implements Iterable<Container> {
  readonly #managed: PortRanges
  /** From the lowest to the highest port that a container can have. */
  readonly managedRange: PortRange
  readonly #slots = new SlotAllocator()
  readonly #ephemeral: EphemeralAllocator
  readonly #owners = new PortOwners()
  readonly #byId = new Map<string, Container>()
  readonly #bySlot = new Map<number, Container>()
  /** By the identity of their network namespace. */
  readonly #byNamespace = new Map<string, Container>()
  /** Those of other isolators on the host, whose places are taken. */
  #others = new OtherContainers()
  /** Each gives back a place of theirs. */
  #placesOfOthers: readonly (() => void)[] = []

  constructor({ ports, ephemeralPorts, ephemeralPortsPerContainer }: ManagedPorts) {
    this.#managed = ports
    const all = ports.union(ephemeralPorts).toJSON()
    this.managedRange = [all[0]?.[0] ?? 0, all.at(-1)?.[1] ?? 0]
    this.#ephemeral = new EphemeralAllocator(ephemeralPorts, ephemeralPortsPerContainer)
  }

  /** The container, undefined for an unknown id. */
  get(id: string): Container | undefined {
    return this.#byId.get(id)
  }

  /**
   * The container.
   *
   * @throws IsolatorError ERR_CONTAINER_UNKNOWN
   */
  known(id: string): Container {
    const container = this.#byId.get(id)
    if (container) return container
    throw unknown(id)
  }

  /** Whether a container is still there: its id may be another's by now. */
  has(container: Container): boolean {
    return this.#byId.get(container.id) === container
  }

  /**
   * Likewise.
   *
   * @throws IsolatorError ERR_CONTAINER_UNKNOWN where it is not
   */
  checkHas(container: Container): void {
    if (!this.has(container)) throw unknown(container.id)
  }

  /** In the order they were added. */
  [Symbol.iterator](): Iterator<Container> {
    return this.#byId.values()
  }

  /**
   * Gives a container the ports it asks for, an ephemeral range and the lowest free slot.
   *
   * @throws IsolatorError ERR_CONTAINER_EXISTS, ERR_PORTS_UNMANAGED, ERR_PORTS_OVERLAP, ERR_PORTS_EXHAUSTED
   */
  add({ id, ports, reference, ...limits }: Omit<WantedContainer, 'netns'>): Container {
    if (this.#byId.has(id))
      throw new IsolatorError('ERR_CONTAINER_EXISTS', `'${id}' is isolated already`, { details: { id } })
    if (this.#others.withId(id)) throw ofAnother(id, `'${id}' is isolated already`)
    this.#checkPorts(id, ports)
    const slot = this.#slots.allocate()
    const container: Container = {
      id,
      slot,
      ports,
      ephemeralPorts: this.#ephemeralFor(slot),
      ...limits,
      reference,
      settled: Promise.resolve(),
    }
    this.#byId.set(id, container)
    this.#occupy(container)
    return container
  }

  /**
   * Takes further ports for a container, beside those that it has.
   *
   * @throws IsolatorError ERR_PORTS_UNMANAGED, ERR_PORTS_OVERLAP
   */
  give({ id, slot }: Container, ports: PortRanges): void {
    this.#checkPorts(id, ports)
    this.#owners.give(ports, slot)
  }

  /** Takes ports back from a container. */
  takeBack(ports: PortRanges): void {
    this.#owners.take(ports)
  }

  /**
   * Takes in a container that is there already. Its slot and ports are those it has, whatever may be given away now.
   *
   * @throws IsolatorError ERR_PORTS_OVERLAP, RangeError where another container has its ports or slot
   */
  adopt(facts: ContainerFacts, reference: string): Container {
    this.#slots.allocateExact(facts.slot)
    this.#ephemeral.allocateExact(facts.ephemeralPorts)
    const container: Container = { ...facts, reference, settled: Promise.resolve() }
    this.#byId.set(container.id, container)
    this.#occupy(container)
    return container
  }

  /** The container in a slot. */
  inSlot(slot: number): Container | undefined {
    return this.#bySlot.get(slot)
  }

  /** The containers of other isolators, as of the last look. */
  get others(): readonly OtherContainer[] {
    return this.#others.all
  }

  /** The container of another isolator in a slot. */
  otherInSlot(slot: number): OtherContainer | undefined {
    return this.#others.inSlot(slot)
  }

  /** Whether a container has the slot, of this isolator or of another. */
  isTaken(slot: number): boolean {
    return this.#bySlot.has(slot) || this.#others.inSlot(slot) !== undefined
  }

  /**
   * Follows what other isolators have done on the host: gives own containers the ports and limits that they have by now, and
   * notes the containers of others, in the place of those that were noted before.
   */
  follow(
    changed: readonly (readonly [Container, ContainerFacts])[],
    others: readonly OtherContainer[],
  ): void {
    for (const giveBack of this.#placesOfOthers) giveBack()
    for (const [container, { ports }] of changed) this.#owners.take(container.ports.subtract(ports))
    for (const [container, { ports, egress, ingress }] of changed) {
      this.#owners.give(ports, container.slot)
      Object.assign(container, { ports, egress, ingress })
    }
    this.#others = new OtherContainers(others)
    this.#placesOfOthers = others.flatMap(other => this.#placesOf(other))
  }

  /**
   * Refuses a namespace that another isolator has made a container of.
   *
   * @param nsid the number that the host's namespace has for it
   * @throws IsolatorError ERR_CONTAINER_EXISTS
   */
  refuseOthersNamespace({ id }: Container, nsid: number | undefined): void {
    const holder = nsid === undefined ? undefined : this.#others.inNamespace(nsid)
    if (holder)
      throw ofAnother(holder.id, `the network namespace of '${id}' is isolated already, as '${holder.id}'`)
  }

  /** How many there are. */
  get size(): number {
    return this.#byId.size
  }

  /** Takes everything back that `add` gave. */
  remove(container: Container): void {
    this.#byId.delete(container.id)
    this.#bySlot.delete(container.slot)
    if (container.namespace !== undefined && this.#byNamespace.get(container.namespace) === container)
      this.#byNamespace.delete(container.namespace)
    this.#owners.take(allPorts(container))
    this.#ephemeral.release(container.ephemeralPorts)
    this.#slots.release(container.slot)
  }

  /**
   * Notes which namespace a container has; `identity` is that of NetworkNamespace.
   *
   * @param isThere whether a container still has the namespace that was given it
   * @throws IsolatorError ERR_CONTAINER_EXISTS where another container has it
   */
  settleIn(identity: string, container: Container, isThere: (holder: Container) => boolean): void {
    const holder = this.#byNamespace.get(identity)
    if (holder && isThere(holder)) throw isHolders(container, holder)
    this.#byNamespace.set(identity, container)
    container.namespace = identity
  }

  /** Gives a container another slot, because somebody else has the name of this one, which is not tried again. */
  passOverSlot(container: Container): void {
    this.#bySlot.delete(container.slot)
    container.slot = this.#slots.allocate()
    this.#occupy(container)
  }

  /**
   * Gives a container another ephemeral range where it has one that is not to be given away now.
   *
   * @throws IsolatorError ERR_PORTS_EXHAUSTED
   */
  passOverEphemeral(container: Container, inUse: (range: PortRange) => boolean): void {
    const before = container.ephemeralPorts
    if (!inUse(before)) return
    container.ephemeralPorts = this.#freeEphemeral(inUse)
    this.#owners.give(PortRanges.from([container.ephemeralPorts]), container.slot)
    this.#owners.take(PortRanges.from([before]))
    this.#ephemeral.release(before)
  }

  #occupy(container: Container): void {
    this.#bySlot.set(container.slot, container)
    this.#owners.give(allPorts(container), container.slot)
  }

  /**
   * Takes the places of another's container, as far as they are free: of what an own one has, since somebody changed the notes,
   * nothing is taken from that; a slot that was passed over is taken already. What it returns gives them back.
   */
  #placesOf({ slot, ports, ephemeralPorts }: OtherContainer): (() => void)[] {
    const isFree = (range: PortRange): boolean => this.#owners.taken(PortRanges.from([range])) === undefined
    const places: (() => void)[] = []
    if (this.#slots.isFree(slot)) {
      this.#slots.allocateExact(slot)
      places.push(() => {
        this.#slots.release(slot)
      })
    }
    if (isFree(ephemeralPorts)) {
      this.#ephemeral.allocateExact(ephemeralPorts)
      places.push(() => {
        this.#ephemeral.release(ephemeralPorts)
      })
    }
    const free = PortRanges.from([...ports, ephemeralPorts].filter(isFree))
    this.#owners.give(free, slot)
    places.push(() => {
      this.#owners.take(free)
    })
    return places
  }

  #ephemeralFor(slot: number): PortRange {
    try {
      return this.#freeEphemeral(() => false)
    } catch (error) {
      this.#slots.release(slot)
      throw error
    }
  }

  #freeEphemeral(inUse: (range: PortRange) => boolean): PortRange {
    // A container of other options may have ports there that it asked for by number.
    return this.#ephemeral.allocate(
      range => this.#owners.taken(PortRanges.from([range])) !== undefined || inUse(range),
    )
  }

  #checkPorts(id: string, ports: PortRanges): void {
    const unmanaged = ports.subtract(this.#managed)
    if (unmanaged.size > 0) {
      throw new IsolatorError(
        'ERR_PORTS_UNMANAGED',
        `'${id}' asks for ${unmanaged}: not among the ports ${this.#managed} that this isolator manages`,
        { details: { ports: unmanaged.toString() } },
      )
    }
    const taken = this.#owners.taken(ports)
    if (!taken) return
    const owner = (this.#bySlot.get(taken.slot) ?? this.#others.inSlot(taken.slot))?.id
    throw new IsolatorError(
      'ERR_PORTS_OVERLAP',
      `'${id}' asks for port ${taken.port}, which '${owner}' has`,
      {
        details: { port: taken.port, id: owner },
      },
    )
  }
}

/** The error for a namespace that another container has. */
export const isHolders = ({ id }: Container, holder: Container): IsolatorError =>
  new IsolatorError(
    'ERR_CONTAINER_EXISTS',
    `the network namespace of '${id}' is isolated already, as '${holder.id}'`,
    { details: { id: holder.id } },
  )

const ofAnother = (id: string, what: string): IsolatorError =>
  new IsolatorError(
    'ERR_CONTAINER_EXISTS',
    `${what}, by another isolator on this host: a new isolator's recover(['${id}']) takes it over, rtnetlink clean ${id} removes it`,
    { details: { id } },
  )

const unknown = (id: string): IsolatorError =>
  new IsolatorError(
    'ERR_CONTAINER_UNKNOWN',
    `'${id}' is not isolated here; recover(['${id}']) finds it if an earlier run of the program has isolated it`,
    { details: { id } },
  )
