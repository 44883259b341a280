import { PortRanges, type Difference } from 'rtnetlink'
import type { NetworkConfig } from '../network/network-config.js'
import { CniError, CODE } from '../spec/cni-error.js'
import type { Attachment, Sandbox } from '../spec/request.js'
import { askedContainer } from './asked-container.js'
import type { Isolators } from './isolators.js'

/** Looks whether a container is as its ADD has made it. @throws CniError 3 where there is none, 102 where it is not */
export async function check(
  attachment: Attachment & Sandbox,
  config: NetworkConfig,
  isolators: Isolators,
): Promise<undefined> {
  const { id, ports, netns: opened } = askedContainer(attachment, config)
  await using netns = opened
  await isolators.use(config.options, 'all', async isolator => {
    const info = isolator.get(id)
    if (!info)
      throw new CniError(
        CODE.unknownContainer,
        `no container '${id}' is on this host: nobody has added it, or it is gone`,
      )
    const faults = (await isolator.verify(id)).map(sentenceOf)
    if (!(await isolator.isIn(id, netns)))
      faults.unshift(`it is in another namespace than ${attachment.netns}`)
    const has = PortRanges.from(info.ports)
    if (!has.equals(ports)) faults.unshift(`it has the ports ${has}, not ${ports}`)
    if (faults.length > 0)
      throw new CniError(
        CODE.checkFailed,
        `container '${id}' is not as it was made: ${faults[0]}`,
        faults.join('\n'),
      )
  })
}

const sentenceOf = ({ kind, object, found }: Difference): string =>
  `${kind}: ${object}${found === undefined ? '' : ` (${found})`}`
