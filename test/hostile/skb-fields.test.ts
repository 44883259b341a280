/**
 * What a socket of root's in a container says of its packets, beside their bytes: rules, classes and flows of the host must
 * not be chosen by it.
 */
import t from 'tap'
import { run, runIn, tcBatch } from '../helpers/iproute2.js'
import { needsIsolation, firstPort, twoContainers } from '../isolator/isolated-topology.js'
import { allOf, hasQdisc } from '../helpers/privilege.js'
import { REMOTE_IP, WIRE, type NamespaceRef } from '../helpers/topology.js'
import { OWN } from './frames.js'

/** linux/asm-generic/socket.h */
const SO_PRIORITY = 12
const SO_MARK = 36

/** The fq_codel with a flow per container takes a packet's priority for a flow, HTB for a class: their handle, and a number. */
const HANDLE = 0x504d
const UNMARKED = `${HANDLE.toString(16)}:1`
const BY_PRIORITY = `${HANDLE.toString(16)}:2`
const BY_MARK = `${HANDLE.toString(16)}:3`

/** Loads the mark, and matches where it is not 0. */
const MARKED = '4,32 0 0 4294963220,21 1 0 0,6 0 0 4294967295,6 0 0 0'

const COUNT = 20

/** Node has no setsockopt for these. */
const SEND = `
import socket, sys
option, value, port, address, count = (*map(int, sys.argv[1:4]), sys.argv[4], int(sys.argv[5]))
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, option, value)
s.bind(('', port))
for _ in range(count): s.sendto(b'x' * 100, (address, 9))
`

const send = ({ path }: NamespaceRef, option: number, value: number): Promise<string> =>
  runIn(path, 'python3', '-c', SEND, ...[option, value, OWN].map(String), REMOTE_IP, String(COUNT))

async function packetsByClass(host: NamespaceRef): Promise<Record<string, number>> {
  const text = await run('tc', ['-n', host.name, '-s', 'class', 'show', 'dev', WIRE])
  const found = text.matchAll(/^class htb (\S+) .*\n Sent \d+ bytes (\d+) pkt/gm)
  return Object.fromEntries(Array.from(found, ([, classid = '', packets]) => [classid, Number(packets)]))
}

t.test(
  'neither mark nor priority of a packet gets to the host',
  allOf(needsIsolation(), hasQdisc('htb')),
  async t => {
    const { host, c1 } = await twoContainers(t)
    t.equal(c1.port, firstPort(0))
    t.equal(c1.port, OWN)
    await tcBatch(host.name, [
      `qdisc add dev ${WIRE} root handle 504d: htb default 1`,
      ...[UNMARKED, BY_PRIORITY, BY_MARK].map(
        classid => `class add dev ${WIRE} parent 504d: classid ${classid} htb rate 10gbit quantum 60000`,
      ),
      `filter add dev ${WIRE} parent 504d: prio 1 protocol ip bpf bytecode "${MARKED}" flowid ${BY_MARK}`,
    ])
    const attempts = [
      [SO_PRIORITY, HANDLE * 0x10000 + 2, BY_PRIORITY],
      [SO_MARK, 7, BY_MARK],
    ] as const
    for (const [option, value, classid] of attempts) {
      const before = await packetsByClass(host)
      await send(c1, option, value)
      const between = await packetsByClass(host)
      t.equal(between[classid], before[classid], `${classid} gets none from a container`)
      t.ok((between[UNMARKED] ?? 0) >= (before[UNMARKED] ?? 0) + COUNT, 'though they do pass')
      await send(host, option, value)
      const after = await packetsByClass(host)
      t.equal(
        after[classid],
        (between[classid] ?? 0) + COUNT,
        'a positive control: the same socket on the host',
      )
    }
  },
)
