import type { PortRanges } from './port-ranges.js'

const PORTS = 0x10000
const NOBODY = 0

/** Which slot has which port, for all 65536: finding an overlap costs what the ports asked for cost, however many containers. */
export class PortOwners {
  readonly #slots = new Uint16Array(PORTS)

  /** Notes the ports as those of a slot (1 to 4095). */
  give(ports: PortRanges, slot: number): void {
    for (const [begin, end] of ports) this.#slots.fill(slot, begin, end + 1)
  }

  /** Notes the ports as nobody's. */
  take(ports: PortRanges): void {
    this.give(ports, NOBODY)
  }

  /** The first of the ports that somebody has, and whose it is. */
  taken(ports: PortRanges): { port: number; slot: number } | undefined {
    for (const [begin, end] of ports) {
      for (let port = begin; port <= end; port++) {
        const slot = this.#slots[port]
        if (slot) return { port, slot }
      }
    }
    return undefined
  }
}
