import { linkName, PRIORITY } from '../layout/layout.js'
import { portNode, type PortBlock } from '../layout/port-blocks.js'
import type { Planned } from './planned.js'
import { U32Priority } from './u32-priority.js'

/** The nodes that bring a block's packets, and ICMP errors about packets from it, from `dev` to the container's veth. */
function blockNodes(steering: U32Priority, block: PortBlock, slot: number): Planned[] {
  return (['quotedSource', 'destination'] as const).map(field => {
    const { table, bucket, node, value, mask } = portNode(block, field)
    return steering.node(table, bucket, node, { keys: [{ at: 0, value, mask }], redirect: linkName(slot) })
  })
}

/** The steering nodes of blocks of ports on one device: two per block. */
export function portNodes(dev: string, blocks: readonly PortBlock[], slot: number): Planned[] {
  const steering = new U32Priority(dev, PRIORITY.steering, 'ip')
  return blocks.flatMap(block => blockNodes(steering, block, slot))
}
