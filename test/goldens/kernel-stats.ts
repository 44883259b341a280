/**
 * What the kernel answers about link statistics, captured by scripts/capture-goldens.ts with iproute2-6.1.0 under Linux 6.18.44-fc-v669. Device d0 has
 * index 7, d1 has 8.
 */
import type { Golden } from './golden.js'

export const goldens: readonly Golden[] = [
  {
    about: 'counters of a veth',
    setup: [
      'ip addr add 10.9.0.2/24 dev d0',
      'ip link set d0 up',
      'ip link set d1 up',
      'ping -q -c 3 -i 0.01 -W 1 10.9.0.1 >/dev/null; true',
    ],
    command: 'ip stats show dev d0 group link',
    bytes: `
      e80000005c0000000000000000000000000000000700000001000000cc00010003000000000000000500000000000000
      0a010000000000005e010000000000000000000000000000000000000000000000000000000000000000000000000000
      000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000
      000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000
      00000000000000000000000000000000000000000000000000000000000000000000000000000000`,
    value: {
      family: 0,
      ifindex: 7,
      filterMask: 1,
      attributes: {
        link64: {
          rxPackets: 3n,
          txPackets: 5n,
          rxBytes: 266n,
          txBytes: 350n,
          rxErrors: 0n,
          txErrors: 0n,
          rxDropped: 0n,
          txDropped: 0n,
          multicast: 0n,
          collisions: 0n,
          rxLengthErrors: 0n,
          rxOverErrors: 0n,
          rxCrcErrors: 0n,
          rxFrameErrors: 0n,
          rxFifoErrors: 0n,
          rxMissedErrors: 0n,
          txAbortedErrors: 0n,
          txCarrierErrors: 0n,
          txFifoErrors: 0n,
          txHeartbeatErrors: 0n,
          txWindowErrors: 0n,
          rxCompressed: 0n,
          txCompressed: 0n,
          rxNohandler: 0n,
          rxOtherhostDropped: 0n,
        },
      },
    },
  },
]
