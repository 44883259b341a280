import t from 'tap'
import { ContainerTable } from '../../../src/isolator/container/table.js'
import { PortRanges } from '../../../src/isolator/ports/port-ranges.js'

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

t.test('a namespace that has ended leaves its identity to others', async t => {
  const table = new ContainerTable({
    ports: PortRanges.empty,
    ephemeralPorts: PortRanges.from('30720-32767'),
    ephemeralPortsPerContainer: 1024,
  })
  const add = (id: string) => table.add({ id, ports: PortRanges.empty, reference: `/run/netns/${id}` })
  const [first, second] = [add('web-1'), add('web-2')]
  const settle = (isThere: boolean): void => {
    table.settleIn('4:4026532000', second, () => isThere)
  }
  table.settleIn('4:4026532000', first, () => false)
  t.throws(
    () => {
      settle(true)
    },
    {
      code: 'ERR_CONTAINER_EXISTS',
      message: "the network namespace of 'web-2' is isolated already, as 'web-1'",
    },
  )
  settle(false)
  table.remove(first)
  t.throws(
    () => {
      table.settleIn('4:4026532000', add('web-1'), () => true)
    },
    { code: 'ERR_CONTAINER_EXISTS' },
    'the removal of the first has not taken it from the second',
  )
})
