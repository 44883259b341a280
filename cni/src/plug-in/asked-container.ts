import type { NetworkNamespace, PortRanges } from 'rtnetlink'
import type { NetworkConfig } from '../network/network-config.js'
import { requestedPorts } from '../network/requested-ports.js'
import type { Attachment, Sandbox } from '../spec/request.js'
import { newIsolatorId } from './container-id.js'
import { openNamespace } from './namespace.js'

/** The container that an ADD or a CHECK is about. */
export interface AskedContainer {
  /** What the isolator calls it. */
  readonly id: string
  readonly ports: PortRanges
  /** Open: whoever has it closes it. */
  readonly netns: NetworkNamespace
}

/** @throws CniError 4 for an id, and a namespace, that cannot be; as `requestedPorts` */
export function askedContainer(attachment: Attachment & Sandbox, config: NetworkConfig): AskedContainer {
  const id = newIsolatorId(config, attachment)
  const ports = requestedPorts(config, attachment.args)
  return { id, ports, netns: openNamespace(attachment.netns, attachment.handle) }
}
