/**
 * What ss sends for sockets, captured by scripts/capture-goldens.ts with iproute2-6.1.0 under Linux 6.18.44-fc-v595. Device d0 has
 * index 7, d1 has 8.
 */
import { hex, type Golden } from './golden.js'

export const goldens: readonly Golden[] = [
  {
    about: 'connections',
    command: 'ss -tn',
    bytes: `
      480000001400010300000000000000000a060000370b0000000000000000000000000000000000000000000000000000
      000000000000000000000000000000000000000000000000`,
    value: {
      family: 'inet6',
      protocol: 'tcp',
      ext: 0,
      states: 2871,
      id: {
        sport: 0,
        dport: 0,
        src: hex('00000000000000000000000000000000'),
        dst: hex('00000000000000000000000000000000'),
        if: 0,
        cookie: [0, 0],
      },
      attributes: {},
    },
  },
  {
    about: 'all of TCP, with everything',
    command: 'ss -4 -tanmieo',
    bytes: `
      4800000014000103000000000000000002064f00ff0f0000000000000000000000000000000000000000000000000000
      000000000000000000000000000000000000000000000000`,
    value: {
      family: 'inet',
      protocol: 'tcp',
      ext: 79,
      states: 4095,
      id: {
        sport: 0,
        dport: 0,
        src: hex('00000000000000000000000000000000'),
        dst: hex('00000000000000000000000000000000'),
        if: 0,
        cookie: [0, 0],
      },
      attributes: {},
    },
  },
  {
    about: 'UDP',
    command: 'ss -uan',
    bytes: `
      480000001400010300000000000000000a110000ff0f0000000000000000000000000000000000000000000000000000
      000000000000000000000000000000000000000000000000`,
    value: {
      family: 'inet6',
      protocol: 'udp',
      ext: 0,
      states: 4095,
      id: {
        sport: 0,
        dport: 0,
        src: hex('00000000000000000000000000000000'),
        dst: hex('00000000000000000000000000000000'),
        if: 0,
        cookie: [0, 0],
      },
      attributes: {},
    },
  },
  {
    about: 'a range of ports',
    command: 'ss -4 -tan \'sport >= :31000 and sport <= :31007\'',
    bytes: `
      5c00000014000103000000000000000002060000ff0f0000000000000000000000000000000000000000000000000000
      00000000000000000000000000000000000000000000000014000100020814000000187903080c0000001f79`,
    value: {
      family: 'inet',
      protocol: 'tcp',
      ext: 0,
      states: 4095,
      id: {
        sport: 0,
        dport: 0,
        src: hex('00000000000000000000000000000000'),
        dst: hex('00000000000000000000000000000000'),
        if: 0,
        cookie: [0, 0],
      },
      attributes: { bytecode: hex('020814000000187903080c0000001f79') },
    },
  },
  {
    about: 'MPTCP',
    command: 'ss -4 -Man',
    bytes: `
      5000000014000103000000000000000002060000ff0f0000000000000000000000000000000000000000000000000000
      0000000000000000000000000000000000000000000000000800030006010000`,
    value: {
      family: 'inet',
      protocol: 'tcp',
      ext: 0,
      states: 4095,
      id: {
        sport: 0,
        dport: 0,
        src: hex('00000000000000000000000000000000'),
        dst: hex('00000000000000000000000000000000'),
        if: 0,
        cookie: [0, 0],
      },
      attributes: { protocol: 262 },
    },
  },
]
