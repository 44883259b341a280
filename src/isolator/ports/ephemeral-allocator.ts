import { firstIndex } from './bisect.js'
import { ephemeralPlaces } from './ephemeral-places.js'
import { IsolatorError } from '../isolator-error.js'
import { LowestFree } from './lowest-free.js'
import type { PortRange, PortRanges } from './port-ranges.js'

const PORTS = 0x10000

/**
 * Divides the ephemeral ports among containers: every container gets one range of a fixed size, from which its kernel
 * picks the port of a socket that is bound to port 0.
 *
 * First fit, at the places of {@link ephemeralPlaces}; constant time however many containers there are. The
 * counterpart of Mesos's `EphemeralPortsAllocator`, without its restriction to powers of two.
 */
export class EphemeralAllocator {
  readonly #places: readonly PortRange[]
  readonly #freePlaces: LowestFree
  /** 1 for every port of an allocated range: ranges that were recovered need not lie at a place, or in the ports. */
  readonly #taken = new Uint8Array(PORTS)
  /** Begin of each allocated range to its end. */
  readonly #allocated = new Map<number, number>()

  /**
   * @param ports the ephemeral ports of all containers together
   * @param portsPerContainer how many of them each container gets
   */
  constructor(
    readonly ports: PortRanges,
    readonly portsPerContainer: number,
  ) {
    this.#places = ephemeralPlaces(ports, portsPerContainer)
    this.#freePlaces = new LowestFree(this.#places.length)
  }

  /** For how many more containers there is room. */
  get free(): number {
    return this.#freePlaces.free
  }

  /**
   * Takes the first free range.
   *
   * @param skip tells ranges to pass over this time, for example because a socket of the host is bound in them
   * @throws IsolatorError ERR_PORTS_EXHAUSTED when none is left, or none that is not skipped
   */
  allocate(skip: (range: PortRange) => boolean = () => false): PortRange {
    for (const place of this.#freePlaces) {
      const range = this.#places[place]
      if (range && !skip(range)) {
        this.#take(range)
        return range
      }
    }
    throw this.#exhausted()
  }

  /**
   * Takes the range of a container that is there already. It may have any size and lie outside of the ports, since the
   * isolator may have been created with other options when the container started.
   *
   * @throws IsolatorError ERR_PORTS_OVERLAP when one of its ports is allocated already
   */
  allocateExact([begin, end]: PortRange): void {
    if (this.#hasTaken([begin, end])) {
      throw new IsolatorError(
        'ERR_PORTS_OVERLAP',
        `The ephemeral ports ${begin}-${end} belong to another container in part or as a whole`,
        { details: { range: [begin, end] } },
      )
    }
    this.#take([begin, end])
  }

  /** Gives a range back as it was allocated. Returns false if it was not. */
  release([begin, end]: PortRange): boolean {
    if (this.#allocated.get(begin) !== end) return false
    this.#allocated.delete(begin)
    this.#taken.fill(0, begin, end + 1)
    for (const [index, place] of this.#placesIn([begin, end])) {
      if (!this.#hasTaken(place)) this.#freePlaces.release(index)
    }
    return true
  }

  #take([begin, end]: PortRange): void {
    this.#allocated.set(begin, end)
    this.#taken.fill(1, begin, end + 1)
    for (const [index] of this.#placesIn([begin, end])) this.#freePlaces.take(index)
  }

  /** The places that have a port in the range, with their indices. */
  *#placesIn([begin, end]: PortRange): Generator<[index: number, place: PortRange]> {
    for (let index = firstIndex(this.#places, place => place[1] >= begin); ; index++) {
      const place = this.#places[index]
      if (!place || place[0] > end) return
      yield [index, place]
    }
  }

  #hasTaken([begin, end]: PortRange): boolean {
    return this.#taken.subarray(begin, end + 1).includes(1)
  }

  #exhausted(): IsolatorError {
    const { free, ports, portsPerContainer } = this
    const reason =
      free === 0
        ? `beside ${this.#allocated.size} containers no range of ${portsPerContainer} is left`
        : `the host uses ports in every range of ${portsPerContainer} that is left, ${free} in all`
    return new IsolatorError(
      'ERR_PORTS_EXHAUSTED',
      `The ephemeral ports ${String(ports)} are exhausted: ${reason}`,
      {
        details: {
          ephemeralPorts: ports.toString(),
          portsPerContainer,
          containers: this.#allocated.size,
          skipped: free,
        },
      },
    )
  }
}
