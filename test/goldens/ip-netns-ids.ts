/**
 * What ip sends for the ids of namespaces, captured by scripts/capture-goldens.ts with iproute2-6.1.0 under Linux 6.18.44-fc-v669. Device d0 has
 * index 7, d1 has 8.
 */
import type { Golden } from './golden.js'

export const goldens: readonly Golden[] = [
  {
    about: 'an id',
    setup: ['ip netns add goldenother'],
    command: 'ip netns set goldenother 5; ip netns del goldenother',
    bytes: `240000005800050000000000000000000000000008000300060000000800010005000000`,
    value: { family: 0, attributes: { fd: 6, nsid: 5 } },
  },
  {
    about: 'all ids',
    setup: ['ip netns add goldenother', 'ip netns set goldenother 5'],
    command: 'ip netns list-id; ip netns del goldenother',
    bytes: `140000005a000103000000000000000000000000`,
    value: { family: 0, attributes: {} },
  },
  {
    about: 'ids in another namespace',
    setup: ['ip netns add goldenother', 'ip netns set goldenother 5'],
    command: 'ip netns list-id target-nsid 5 nsid 7; ip netns del goldenother',
    bytes: `240000005a00010000000000000000000000000008000100070000000800040005000000`,
    value: { family: 0, attributes: { nsid: 7, targetNsid: 5 } },
  },
  {
    about: 'the id of the namespace of a process',
    command: 'python3 scripts/goldens/ask.py rtnetlink 90 5 00000000 0800020001000000',
    bytes: `1c0000005a0005000000000000000000000000000800020001000000`,
    value: { family: 0, attributes: { pid: 1 } },
  },
]
