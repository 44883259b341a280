/**
 * What the kernel answers to what is wrong, captured by scripts/capture-goldens.ts with iproute2-6.1.0 under Linux 6.18.44-fc-v669. Device d0 has
 * index 7, d1 has 8.
 */
import { hex, type Golden } from './golden.js'

export const goldens: readonly Golden[] = [
  {
    about: 'there is no such device',
    command: 'ip link show dev d7',
    bytes: `
      34000000020000000000000000000000edffffff20000000100005000000000000000000000000000000000000000000
      00000000`,
    value: { errno: -19, extAck: {} },
  },
  {
    about: 'there is no such device',
    command: 'ip link show dev d7',
    bytes: `
      44000000020000000000000000000000edffffff30000000120001008fe1066b00000000000000000000000000000000
      0000000008001d00090000000700030064370000`,
    value: { errno: -19, extAck: {} },
  },
  {
    about: 'a qdisc that is there',
    setup: ['tc qdisc add dev d0 clsact'],
    command: 'tc qdisc add dev d0 clsact',
    bytes: `
      6c000000020000020000000000000000efffffff300000002400050692e1066b0000000000000000070000000000ffff
      f1ffffff000000000b000100636c736163740000270001004578636c7573697669747920666c6167206f6e2c2063616e
      6e6f74206d6f646966790000`,
    value: { errno: -17, extAck: { message: 'Exclusivity flag on, cannot modify' } },
  },
  {
    about: 'a kind of device that this kernel has not',
    command: 'ip link add link d0 name d0.5 type vlan id 5',
    bytes: `
      34000000020000000000000000000000edffffff20000000100005000000000000000000000000000000000000000000
      00000000`,
    value: { errno: -19, extAck: {} },
  },
  {
    about: 'a kind of device that this kernel has not',
    command: 'ip link add link d0 name d0.5 type vlan id 5',
    bytes: `
      78000000020000020000000000000000a1ffffff4c0000001000050694e1066b00000000000000000000000000000000
      0000000008000500070000000900030064302e35000000001800120008000100766c616e0c0002000600010005000000
      18000100556e6b6e6f776e20646576696365207479706500`,
    value: { errno: -95, extAck: { message: 'Unknown device type' } },
  },
  {
    about: 'an MTU in one byte',
    command: 'python3 scripts/goldens/ask.py rtnetlink 16 5 00000000070000000000000000000000 0500040005000000',
    bytes: `
      78000000020000030000000000000000deffffff28000000100005000100000000000000270001004174747269627574
      65206661696c656420706f6c6963792076616c69646174696f6e00000800020020000000240004800c00040000000000
      000000000c000500ffffffff000000000800010004000000`,
    value: {
      errno: -34,
      extAck: {
        message: 'Attribute failed policy validation',
        offset: 32,
        policy: hex('0c00040000000000000000000c000500ffffffff000000000800010004000000'),
      },
    },
  },
  {
    about: 'a set of strings without its number, which ethtool requires',
    command: 'python3 scripts/goldens/ask.py ethtool 1 5 0c0001800800010007000000 08000280 04000180',
    bytes: `
      34000000020000030000000000000000eaffffff28000000150005000100000000000000080005000100000008000600
      24000000`,
    value: { errno: -22, extAck: { missingType: 1, missingNest: 36 } },
  },
]
