import t from 'tap'
import { ContainerTable } from '../../src/isolator/container-table.js'
import { PortRanges } from '../../src/isolator/port-ranges.js'

t.test('a container of other options keeps its ports from being given away as ephemeral ones', async t => {
  const table = new ContainerTable({
    ports: PortRanges.from('40000-40999'),
    ephemeralPorts: PortRanges.from('30720-32767'),
    ephemeralPortsPerContainer: 1024,
  })
  const adopted = table.adopt(
    { id: 'old', slot: 1, ports: PortRanges.from('31000-31007'), ephemeralPorts: [20_480, 21_503] },
    '/run/netns/pm1',
  )
  const add = (id: string) => table.add({ id, ports: PortRanges.empty, reference: `/run/netns/${id}` })
  t.strictSame(add('web-1').ephemeralPorts, [31_744, 32_767])
  t.throws(() => add('web-2'), { code: 'ERR_PORTS_EXHAUSTED' })
  table.remove(adopted)
  t.strictSame(add('web-2').ephemeralPorts, [30_720, 31_743])
})
