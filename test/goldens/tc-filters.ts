/**
 * What tc sends for filters, captured by scripts/capture-goldens.ts with iproute2-6.1.0 under Linux 6.18.44-fc-v595. Device d0 has
 * index 7, d1 has 8.
 */
import { hex, type Golden } from './golden.js'

export const goldens: readonly Golden[] = [
  {
    about: 'a hash table',
    command: 'tc filter add dev d0 ingress prio 1020 protocol ip handle 1: u32 divisor 64',
    bytes: `
      380000002c0005060000000000000000000000000700000000001000f2ffffff0800fc0308000100753332000c000200
      0800040040000000`,
    value: {
      family: 0,
      ifindex: 7,
      handle: 1048576,
      parent: 4294967282,
      info: 66846728,
      attributes: { kind: 'u32', options: { divisor: 64 } },
    },
  },
  {
    about: 'a link by hash key',
    command: 'tc filter add dev d0 ingress prio 1020 protocol ip handle 1:1f:800 u32 ht 1:1f: match u32 0x00000000 0x00000000 at 0 hashkey mask 0x000003f0 at 0 link 11f:',
    bytes: `
      640000002c0005060000000000000000000000000700000000f81100f2ffffff0800fc03080001007533320038000200
      080003000000f0110800020000f0110024000500000001000000000000000000000003f0000000000000000000000000
      00000000`,
    value: {
      family: 0,
      ifindex: 7,
      handle: 1177600,
      parent: 4294967282,
      info: 66846728,
      attributes: {
        kind: 'u32',
        options: {
          link: 300941312,
          hash: 1175552,
          selector: {
            flags: 0,
            offshift: 0,
            nkeys: 1,
            offmask: 0,
            off: 0,
            offoff: 0,
            hoff: 0,
            hmask: 1008,
            keys: [{ mask: 0, val: 0, off: 0, offmask: 0 }],
          },
        },
      },
    },
  },
  {
    about: 'a trampoline: skip the IP header',
    command: 'tc filter add dev d0 ingress prio 1020 protocol ip handle 8:6:1 u32 ht 8:6: match u32 0x00000000 0x00000000 at 0 offset at 0 mask 0f00 shift 6 eat link 2:',
    bytes: `
      640000002c0005060000000000000000000000000700000001608000f2ffffff0800fc03080001007533320038000200
      08000300000020000800020000608000240005000c0601000f0000000000000000000000000000000000000000000000
      00000000`,
    value: {
      family: 0,
      ifindex: 7,
      handle: 8413185,
      parent: 4294967282,
      info: 66846728,
      attributes: {
        kind: 'u32',
        options: {
          link: 2097152,
          hash: 8413184,
          selector: {
            flags: 12,
            offshift: 6,
            nkeys: 1,
            offmask: 3840,
            off: 0,
            offoff: 0,
            hoff: 0,
            hmask: 0,
            keys: [{ mask: 0, val: 0, off: 0, offmask: 0 }],
          },
        },
      },
    },
  },
  {
    about: 'skip the ICMP header and the quoted IP header',
    command: 'tc filter add dev d0 ingress prio 1020 protocol ip handle 5:11:1 u32 ht 5:11: match u32 0x00000000 0x00000000 at 0 offset at 8 mask 0f00 shift 6 plus 8 eat link 6:',
    bytes: `
      640000002c0005060000000000000000000000000700000001105100f2ffffff0800fc03080001007533320038000200
      08000300000060000800020000105100240005000e0601000f0008000800000000000000000000000000000000000000
      00000000`,
    value: {
      family: 0,
      ifindex: 7,
      handle: 5312513,
      parent: 4294967282,
      info: 66846728,
      attributes: {
        kind: 'u32',
        options: {
          link: 6291456,
          hash: 5312512,
          selector: {
            flags: 14,
            offshift: 6,
            nkeys: 1,
            offmask: 3840,
            off: 8,
            offoff: 8,
            hoff: 0,
            hmask: 0,
            keys: [{ mask: 0, val: 0, off: 0, offmask: 0 }],
          },
        },
      },
    },
  },
  {
    about: 'a root node',
    command: 'tc filter add dev d0 ingress prio 1020 protocol ip handle ::1 u32 match u32 0x0a090002 0xffffffff at 16 match u32 0x00000000 0x00003fff at 4 hashkey mask 0x00ff0000 at 8 link 8:',
    bytes: `
      6c0000002c0005060000000000000000000000000700000001000000f2ffffff0800fc03080001007533320040000200
      08000300000080003400050000000200000000000000080000ff0000ffffffff0a090002100000000000000000003fff
      000000000400000000000000`,
    value: {
      family: 0,
      ifindex: 7,
      handle: 1,
      parent: 4294967282,
      info: 66846728,
      attributes: {
        kind: 'u32',
        options: {
          link: 8388608,
          selector: {
            flags: 0,
            offshift: 0,
            nkeys: 2,
            offmask: 0,
            off: 0,
            offoff: 0,
            hoff: 8,
            hmask: 16711680,
            keys: [
              { mask: 4294967295, val: 168361986, off: 16, offmask: 0 },
              { mask: 16383, val: 0, off: 4, offmask: 0 },
            ],
          },
        },
      },
    },
  },
  {
    about: 'a redirect by port',
    command: 'tc filter add dev d0 ingress prio 1020 protocol ip handle 1:1e:11 u32 ht 1:1e: match u32 0x00007918 0x0000fff8 at 0 action mirred egress redirect dev d1',
    bytes: `
      940000002c0005060000000000000000000000000700000011e01100f2ffffff0800fc03080001007533320068000200
      38000700340001000b0001006d6972726564000024000280200002000000000000000000040000000000000000000000
      01000000080000000800020000e0110024000500010001000000000000000000000000000000fff80000791800000000
      00000000`,
    value: {
      family: 0,
      ifindex: 7,
      handle: 1171473,
      parent: 4294967282,
      info: 66846728,
      attributes: {
        kind: 'u32',
        options: {
          actions: [
            {
              kind: 'mirred',
              options: {
                parms: {
                  index: 0,
                  capab: 0,
                  action: 4,
                  refcnt: 0,
                  bindcnt: 0,
                  eaction: 1,
                  ifindex: 8,
                },
              },
            },
          ],
          hash: 1171456,
          selector: {
            flags: 1,
            offshift: 0,
            nkeys: 1,
            offmask: 0,
            off: 0,
            offoff: 0,
            hoff: 0,
            hmask: 0,
            keys: [{ mask: 65528, val: 31000, off: 0, offmask: 0 }],
          },
        },
      },
    },
  },
  {
    about: 'a copy, and go on',
    command: 'tc filter add dev d0 ingress prio 1020 protocol ip handle 3::1 u32 ht 3: match u32 0x00000000 0x00000000 at 0 action mirred egress mirror dev d1 continue',
    bytes: `
      940000002c0005060000000000000000000000000700000001003000f2ffffff0800fc03080001007533320068000200
      38000700340001000b0001006d6972726564000024000280200002000000000000000000ffffffff0000000000000000
      020000000800000008000200000030002400050001000100000000000000000000000000000000000000000000000000
      00000000`,
    value: {
      family: 0,
      ifindex: 7,
      handle: 3145729,
      parent: 4294967282,
      info: 66846728,
      attributes: {
        kind: 'u32',
        options: {
          actions: [
            {
              kind: 'mirred',
              options: {
                parms: {
                  index: 0,
                  capab: 0,
                  action: -1,
                  refcnt: 0,
                  bindcnt: 0,
                  eaction: 2,
                  ifindex: 8,
                },
              },
            },
          ],
          hash: 3145728,
          selector: {
            flags: 1,
            offshift: 0,
            nkeys: 1,
            offmask: 0,
            off: 0,
            offoff: 0,
            hoff: 0,
            hmask: 0,
            keys: [{ mask: 0, val: 0, off: 0, offmask: 0 }],
          },
        },
      },
    },
  },
  {
    about: 'offsets before the network header',
    command: 'tc filter add dev d0 ingress prio 64001 protocol 802.1Q handle ::2 u32 match u32 0x00000806 0x0000ffff at -4 match u32 0x00000a09 0x0000ffff at -16 match u32 0x00020001 0xffffffff at -12 link 3:',
    bytes: `
      7c0000002c0005060000000000000000000000000700000002000000f2ffffff810001fa080001007533320050000200
      080003000000300044000500000003000000000000000000000000000000ffff00000806fcffffff000000000000ffff
      00000a09f0ffffff00000000ffffffff00020001f4ffffff00000000`,
    value: {
      family: 0,
      ifindex: 7,
      handle: 2,
      parent: 4294967282,
      info: 4194369665,
      attributes: {
        kind: 'u32',
        options: {
          link: 3145728,
          selector: {
            flags: 0,
            offshift: 0,
            nkeys: 3,
            offmask: 0,
            off: 0,
            offoff: 0,
            hoff: 0,
            hmask: 0,
            keys: [
              { mask: 65535, val: 2054, off: -4, offmask: 0 },
              { mask: 65535, val: 2569, off: -16, offmask: 0 },
              { mask: 4294967295, val: 131073, off: -12, offmask: 0 },
            ],
          },
        },
      },
    },
  },
  {
    about: 'an offset of the next header',
    command: 'tc filter add dev d0 ingress prio 1020 protocol ip u32 match u32 0x00160000 0xffff0000 at nexthdr+0 classid 1:10',
    bytes: `
      5c0000002c0005060000000000000000000000000700000000000000f2ffffff0800fc03080001007533320030000200
      08000100100001002400050001000100000000000000000000000000ffff00000016000000000000ffffffff`,
    value: {
      family: 0,
      ifindex: 7,
      handle: 0,
      parent: 4294967282,
      info: 66846728,
      attributes: {
        kind: 'u32',
        options: {
          classid: 65552,
          selector: {
            flags: 1,
            offshift: 0,
            nkeys: 1,
            offmask: 0,
            off: 0,
            offoff: 0,
            hoff: 0,
            hmask: 0,
            keys: [{ mask: 4294901760, val: 1441792, off: 0, offmask: -1 }],
          },
        },
      },
    },
  },
  {
    about: 'a class and two actions',
    command: 'tc filter add dev d0 parent 1: prio 5 protocol all u32 match u32 0x00000000 0x00000000 at 0 classid 1:10 action mirred ingress mirror dev d1 action gact drop',
    bytes: `
      c00000002c00050600000000000000000000000007000000000000000000010000030500080001007533320094000200
      080001001000010064000700340001000b0001006d697272656400002400028020000200000000000000000003000000
      000000000000000004000000080000002c0002000900010067616374000000001c000280180002000000000000000000
      020000000000000000000000240005000100010000000000000000000000000000000000000000000000000000000000`,
    value: {
      family: 0,
      ifindex: 7,
      handle: 0,
      parent: 65536,
      info: 328448,
      attributes: {
        kind: 'u32',
        options: {
          classid: 65552,
          actions: [
            {
              kind: 'mirred',
              options: {
                parms: {
                  index: 0,
                  capab: 0,
                  action: 3,
                  refcnt: 0,
                  bindcnt: 0,
                  eaction: 4,
                  ifindex: 8,
                },
              },
            },
            {
              kind: 'gact',
              options: { parms: { index: 0, capab: 0, action: 2, refcnt: 0, bindcnt: 0 } },
            },
          ],
          selector: {
            flags: 1,
            offshift: 0,
            nkeys: 1,
            offmask: 0,
            off: 0,
            offoff: 0,
            hoff: 0,
            hmask: 0,
            keys: [{ mask: 0, val: 0, off: 0, offmask: 0 }],
          },
        },
      },
    },
  },
  {
    about: 'a cookie',
    command: 'tc filter add dev d0 ingress prio 1020 protocol ip u32 match u32 0x00000000 0x00000000 at 0 action gact pass cookie a1b2c3d4',
    bytes: `
      8c0000002c0005060000000000000000000000000700000000000000f2ffffff0800fc03080001007533320060000200
      38000700340001000900010067616374000000001c000280180002000000000000000000000000000000000000000000
      08000600a1b2c3d4240005000100010000000000000000000000000000000000000000000000000000000000`,
    value: {
      family: 0,
      ifindex: 7,
      handle: 0,
      parent: 4294967282,
      info: 66846728,
      attributes: {
        kind: 'u32',
        options: {
          actions: [
            {
              kind: 'gact',
              options: { parms: { index: 0, capab: 0, action: 0, refcnt: 0, bindcnt: 0 } },
              cookie: hex('a1b2c3d4'),
            },
          ],
          selector: {
            flags: 1,
            offshift: 0,
            nkeys: 1,
            offmask: 0,
            off: 0,
            offoff: 0,
            hoff: 0,
            hmask: 0,
            keys: [{ mask: 0, val: 0, off: 0, offmask: 0 }],
          },
        },
      },
    },
  },
  {
    about: 'go on with a chain',
    command: 'tc filter add dev d0 ingress prio 1020 protocol ip u32 match u32 0x00000000 0x00000000 at 0 action gact goto chain 3',
    bytes: `
      840000002c0005060000000000000000000000000700000000000000f2ffffff0800fc03080001007533320058000200
      300007002c0001000900010067616374000000001c000280180002000000000000000000030000200000000000000000
      240005000100010000000000000000000000000000000000000000000000000000000000`,
    value: {
      family: 0,
      ifindex: 7,
      handle: 0,
      parent: 4294967282,
      info: 66846728,
      attributes: {
        kind: 'u32',
        options: {
          actions: [
            {
              kind: 'gact',
              options: { parms: { index: 0, capab: 0, action: 536870915, refcnt: 0, bindcnt: 0 } },
            },
          ],
          selector: {
            flags: 1,
            offshift: 0,
            nkeys: 1,
            offmask: 0,
            off: 0,
            offoff: 0,
            hoff: 0,
            hmask: 0,
            keys: [{ mask: 0, val: 0, off: 0, offmask: 0 }],
          },
        },
      },
    },
  },
  {
    about: 'in a chain, in software only',
    command: 'tc filter add dev d0 egress prio 1 protocol ip chain 3 handle ::5 u32 match u32 0x00000000 0x00000000 at 0 skip_hw action gact reclassify',
    bytes: `
      940000002c0005060000000000000000000000000700000005000000f3ffffff0800010008000b000300000008000100
      7533320060000200300007002c0001000900010067616374000000001c00028018000200000000000000000001000000
      000000000000000024000500010001000000000000000000000000000000000000000000000000000000000008000b00
      01000000`,
    value: {
      family: 0,
      ifindex: 7,
      handle: 5,
      parent: 4294967283,
      info: 65544,
      attributes: {
        chain: 3,
        kind: 'u32',
        options: {
          actions: [
            {
              kind: 'gact',
              options: { parms: { index: 0, capab: 0, action: 1, refcnt: 0, bindcnt: 0 } },
            },
          ],
          selector: {
            flags: 1,
            offshift: 0,
            nkeys: 1,
            offmask: 0,
            off: 0,
            offoff: 0,
            hoff: 0,
            hmask: 0,
            keys: [{ mask: 0, val: 0, off: 0, offmask: 0 }],
          },
          flags: 1,
        },
      },
    },
  },
  {
    about: 'an EtherType by number',
    command: 'tc filter add dev d0 ingress prio 9 protocol 35020 u32 match u32 0x00000000 0x00000000 at 0',
    bytes: `
      540000002c0005060000000000000000000000000700000000000000f2ffffff88cc0900080001007533320028000200
      240005000000010000000000000000000000000000000000000000000000000000000000`,
    value: {
      family: 0,
      ifindex: 7,
      handle: 0,
      parent: 4294967282,
      info: 642184,
      attributes: {
        kind: 'u32',
        options: {
          selector: {
            flags: 0,
            offshift: 0,
            nkeys: 1,
            offmask: 0,
            off: 0,
            offoff: 0,
            hoff: 0,
            hmask: 0,
            keys: [{ mask: 0, val: 0, off: 0, offmask: 0 }],
          },
        },
      },
    },
  },
  {
    about: 'change the actions of a node',
    command: 'tc filter change dev d0 ingress prio 1020 protocol ip handle 1:1e:11 u32 ht 1:1e: action mirred egress redirect dev d0',
    bytes: `
      700000002c0005000000000000000000000000000700000011e01100f2ffffff0800fc03080001007533320044000200
      38000700340001000b0001006d6972726564000024000280200002000000000000000000040000000000000000000000
      01000000070000000800020000e01100`,
    value: {
      family: 0,
      ifindex: 7,
      handle: 1171473,
      parent: 4294967282,
      info: 66846728,
      attributes: {
        kind: 'u32',
        options: {
          actions: [
            {
              kind: 'mirred',
              options: {
                parms: {
                  index: 0,
                  capab: 0,
                  action: 4,
                  refcnt: 0,
                  bindcnt: 0,
                  eaction: 1,
                  ifindex: 7,
                },
              },
            },
          ],
          hash: 1171456,
        },
      },
    },
  },
  {
    about: 'delete a node',
    command: 'tc filter del dev d0 ingress prio 1020 protocol ip handle 1:1e:11 u32',
    bytes: `2c0000002d0005000000000000000000000000000700000011e01100f2ffffff0800fc030800010075333200`,
    value: {
      family: 0,
      ifindex: 7,
      handle: 1171473,
      parent: 4294967282,
      info: 66846728,
      attributes: { kind: 'u32' },
    },
  },
  {
    about: 'get a node',
    command: 'tc filter get dev d0 ingress prio 1020 protocol ip handle 1:1e:11 u32',
    bytes: `2c0000002e0009000000000000000000000000000700000011e01100f2ffffff0800fc030800010075333200`,
    value: {
      family: 0,
      ifindex: 7,
      handle: 1171473,
      parent: 4294967282,
      info: 66846728,
      attributes: { kind: 'u32' },
    },
  },
  {
    about: 'a direct-action program',
    command: 'tc filter add dev d0 ingress prio 65535 protocol all handle 1 bpf da bytecode \'1,6 0 0 2\'',
    bytes: `
      4c0000002c0005060000000000000000000000000700000001000000f2ffffff0003ffff080001006270660020000200
      06000400010000000c00050006000000020000000800080001000000`,
    value: {
      family: 0,
      ifindex: 7,
      handle: 1,
      parent: 4294967282,
      info: 4294902528,
      attributes: {
        kind: 'bpf',
        options: { opsLen: 1, ops: [{ code: 6, jt: 0, jf: 0, k: 2 }], flags: 1 },
      },
    },
  },
  {
    about: 'a program with an action',
    command: 'tc filter replace dev d0 ingress prio 1000 protocol all handle 2 bpf bytecode \'4,40 0 0 12,21 0 1 2048,6 0 0 4294967295,6 0 0 0\' action mirred egress redirect dev d1',
    bytes: `
      940000002c0005040000000000000000000000000700000002000000f2ffffff0003e803080001006270660068000200
      38000100340001000b0001006d6972726564000024000280200002000000000000000000040000000000000000000000
      0100000008000000060004000400000024000500280000000c000000150000010008000006000000ffffffff06000000
      00000000`,
    value: {
      family: 0,
      ifindex: 7,
      handle: 2,
      parent: 4294967282,
      info: 65536768,
      attributes: {
        kind: 'bpf',
        options: {
          actions: [
            {
              kind: 'mirred',
              options: {
                parms: {
                  index: 0,
                  capab: 0,
                  action: 4,
                  refcnt: 0,
                  bindcnt: 0,
                  eaction: 1,
                  ifindex: 8,
                },
              },
            },
          ],
          opsLen: 4,
          ops: [
            { code: 40, jt: 0, jf: 0, k: 12 },
            { code: 21, jt: 0, jf: 1, k: 2048 },
            { code: 6, jt: 0, jf: 0, k: 4294967295 },
            { code: 6, jt: 0, jf: 0, k: 0 },
          ],
        },
      },
    },
  },
  {
    about: 'a program with a class',
    command: 'tc filter add dev d0 parent 1: prio 3 protocol ip bpf bytecode \'1,6 0 0 4294967295\' classid 1:2',
    bytes: `
      4c0000002c00050600000000000000000000000007000000000000000000010008000300080001006270660020000200
      080003000200010006000400010000000c00050006000000ffffffff`,
    value: {
      family: 0,
      ifindex: 7,
      handle: 0,
      parent: 65536,
      info: 196616,
      attributes: {
        kind: 'bpf',
        options: { classid: 65538, opsLen: 1, ops: [{ code: 6, jt: 0, jf: 0, k: 4294967295 }] },
      },
    },
  },
  {
    about: 'an action that is not modelled',
    command: 'tc filter add dev d0 ingress prio 1020 protocol ip u32 match u32 0x00000000 0x00000000 at 0 action skbedit mark 1',
    bytes: `
      8c0000002c0005060000000000000000000000000700000000000000f2ffffff0800fc03080001007533320060000200
      38000700340001000c000100736b62656469740024000280180002000000000000000000030000000000000000000000
      0800050001000000240005000100010000000000000000000000000000000000000000000000000000000000`,
    value: {
      family: 0,
      ifindex: 7,
      handle: 0,
      parent: 4294967282,
      info: 66846728,
      attributes: {
        kind: 'u32',
        options: {
          actions: [
            {
              kind: 'skbedit',
              options: hex('1800020000000000000000000300000000000000000000000800050001000000'),
            },
          ],
          selector: {
            flags: 1,
            offshift: 0,
            nkeys: 1,
            offmask: 0,
            off: 0,
            offoff: 0,
            hoff: 0,
            hmask: 0,
            keys: [{ mask: 0, val: 0, off: 0, offmask: 0 }],
          },
        },
      },
    },
  },
  {
    about: 'matchall',
    command: 'tc filter add dev d0 ingress prio 1 protocol all handle 1 matchall action mirred egress redirect dev d1',
    bytes: `
      700000002c0005060000000000000000000000000700000001000000f2ffffff000301000d0001006d61746368616c6c
      000000003c00020038000200340001000b0001006d697272656400002400028020000200000000000000000004000000
      00000000000000000100000008000000`,
    value: {
      family: 0,
      ifindex: 7,
      handle: 1,
      parent: 4294967282,
      info: 66304,
      attributes: {
        kind: 'matchall',
        options: hex(`
          38000200340001000b0001006d6972726564000024000280200002000000000000000000040000000000000000000000
          0100000008000000`),
      },
    },
  },
  {
    about: 'flower',
    command: 'tc filter add dev d0 ingress prio 1 protocol ip handle 1 flower ip_proto tcp dst_port 80 action drop',
    bytes: `
      840000002c0005060000000000000000000000000700000001000000f2ffffff080001000b000100666c6f7765720000
      5400020005000900060000000600130000500000300003002c0001000900010067616374000000001c00028018000200
      000000000000000002000000000000000000000008001600000000000600080008000000`,
    value: {
      family: 0,
      ifindex: 7,
      handle: 1,
      parent: 4294967282,
      info: 65544,
      attributes: {
        kind: 'flower',
        options: hex(`
          05000900060000000600130000500000300003002c0001000900010067616374000000001c0002801800020000000000
          0000000002000000000000000000000008001600000000000600080008000000`),
      },
    },
  },
]
