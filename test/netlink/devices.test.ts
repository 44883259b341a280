import t from 'tap'
import { deviceIndex, deviceName, rememberNames } from '../../src/netlink/devices.js'
import type { DeviceNames } from '../../src/netlink/message-type.js'
import { ScriptedTransport } from '../helpers/scripted-transport.js'

const devices = new ScriptedTransport({ devices: { lo: 1, eth0: 7 } })

t.test('a name or an index', async t => {
  t.equal(deviceIndex(devices, 'eth0'), 7)
  t.equal(deviceIndex(devices, 7), 7)
  t.equal(deviceIndex(devices, 99), 99, 'an index is not looked up')
  t.throws(() => deviceIndex(devices, 'eth1'), {
    name: 'NoSuchDeviceError',
    code: 'ENODEV',
    errno: -19,
    device: 'eth1',
    message: "ENODEV: there is no device 'eth1' in this network namespace",
  })
  for (const wrong of [0, -1, 1.5, NaN, 2 ** 31, undefined as unknown as number]) {
    t.throws(() => deviceIndex(devices, wrong), {
      name: 'RangeError',
      message: `${wrong} is not an interface index: expected a whole number from 1`,
    })
  }
})

t.test('names of indexes', async t => {
  t.equal(deviceName(devices, 7), 'eth0')
  t.equal(deviceName(devices, 8), 'if8')
})

t.test('names are asked for once where they are remembered, also those of devices that are gone', async t => {
  const asked: unknown[] = []
  const counting: DeviceNames = {
    interfaceIndex(name) {
      asked.push(name)
      return devices.interfaceIndex(name)
    },
    interfaceName(index) {
      asked.push(index)
      return devices.interfaceName(index)
    },
  }
  const remembering = rememberNames(counting)
  for (const index of [7, 8, 7, 8]) remembering.interfaceName(index)
  t.same(asked, [7, 8])
  t.equal(remembering.interfaceName(7), 'eth0')
  for (const name of ['eth0', 'gone', 'eth0', 'gone']) remembering.interfaceIndex(name)
  t.same(asked, [7, 8, 'eth0', 'gone'])
  t.equal(remembering.interfaceIndex('eth0'), 7)
})
