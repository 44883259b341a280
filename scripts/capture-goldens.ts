/**
 * Captures netlink messages of real `ip`, `tc`, `bridge` and `ss` runs into test/goldens/:
 *
 *     node --import ./scripts/typescript.js scripts/capture-goldens.ts [file …]
 *
 * Needs root, strace and iproute2. What is sent can be captured for kinds that the kernel refuses, too. What the kernel
 * answers about kinds that only the second kernel has is captured there: `npm run test:uml -- scripts/capture-goldens.ts`.
 */
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { release } from 'node:os'
import { NLMSG_ERROR } from '../src/netlink/constants.js'
import { readAcknowledgement } from '../src/netlink/ext-ack.js'
import type { AnyMessageType } from '../src/netlink/message-type.js'
import { rtnetlinkProtocol } from '../src/rtnetlink-protocol.js'
import { sockDiagProtocol } from '../src/sock-diag/protocol.js'
import type { Golden } from '../test/goldens/golden.js'
import { capture, type Capture, type Decode } from './goldens/capture.js'
import { addresses, links, linkStatistics, neighbours, netnsIds, routes } from './goldens/ip-requests.js'
import {
  errorsHere,
  here,
  linkStatisticsHere,
  secondKernel,
  socketsHere,
  socketsOnSecondKernel,
} from './goldens/replies.js'
import { sockets } from './goldens/ss-requests.js'
import { classes, filters, others, qdiscs } from './goldens/tc-requests.js'
import { hexLines, literal } from './goldens/literal.js'

interface File {
  what: string
  captures: readonly Capture[]
  direction: 'sent' | 'received'
  decode: Decode
}

type Files = Readonly<Record<string, File>>

const of =
  (types: ReadonlyMap<number, AnyMessageType>): Decode =>
  message => {
    const type = types.get(message.type)
    return type && { name: type.name, value: message.decode(type) }
  }

const errors: Decode = message =>
  message.type === NLMSG_ERROR ? { name: 'NLMSG_ERROR', value: readAcknowledgement(message) } : undefined

const rtnetlink = of(rtnetlinkProtocol.messages)

const sent = (what: string, captures: readonly Capture[], decode = rtnetlink): File => ({
  what,
  captures,
  direction: 'sent',
  decode,
})

const received = (what: string, captures: readonly Capture[], decode = rtnetlink): File => ({
  what,
  captures,
  direction: 'received',
  decode,
})

const socketReplies = of(sockDiagProtocol.replies ?? sockDiagProtocol.messages)

const onThisKernel: Files = {
  'ip-links': sent('ip sends for links', links),
  'ip-stats': sent('ip sends for link statistics', linkStatistics),
  'ip-addresses': sent('ip sends for addresses', addresses),
  'ip-routes': sent('ip sends for routes', routes),
  'ip-neighbours': sent('ip and bridge send for neighbours', neighbours),
  'ip-netns-ids': sent('ip sends for the ids of namespaces', netnsIds),
  'tc-qdiscs': sent('tc sends for qdiscs', qdiscs),
  'tc-classes': sent('tc sends for classes', classes),
  'tc-filters': sent('tc sends for filters', filters),
  'tc-others': sent('tc sends for what is not modelled', others),
  'ss-sockets': sent('ss sends for sockets', sockets, of(sockDiagProtocol.messages)),
  'kernel-replies': received('the kernel answers and tells', here),
  'kernel-stats': received('the kernel answers about link statistics', linkStatisticsHere),
  'kernel-errors': received('the kernel answers to what is wrong', errorsHere, errors),
  'kernel-sockets': received('the kernel answers about sockets', socketsHere, socketReplies),
}

const onTheSecondKernel: Files = {
  'second-kernel-replies': received('the second kernel answers and tells', secondKernel),
  'second-kernel-sockets': received(
    'the second kernel answers about sockets',
    socketsOnSecondKernel,
    socketReplies,
  ),
}

const golden = ({ about, setup = [], command, bytes, value }: Golden): string =>
  [
    '  {',
    `    about: ${literal(about)},`,
    ...(setup.length > 0 ? [`    setup: ${literal(setup, '    ')},`] : []),
    `    command: ${literal(command)},`,
    `    bytes: \`${hexLines(Buffer.from(bytes, 'hex'), '    ')}\`,`,
    `    value: ${literal(value, '    ')},`,
    '  },\n',
  ].join('\n')

const iproute2 = execFileSync('ip', ['-V'], { encoding: 'utf8' }).trim().split(', ')[1] ?? 'unknown'

function write(name: string, { what, captures, direction, decode }: File): void {
  const goldens = captures.flatMap(one => {
    try {
      return capture(one, direction, decode)
    } catch (error) {
      console.log(`# ${name}: ${one.about}: ${(error as Error).message}`)
      process.exitCode = 1
      return []
    }
  })
  const text = [
    '/**',
    ` * What ${what}, captured by scripts/capture-goldens.ts with ${iproute2} under Linux ${release()}. Device d0 has`,
    ' * index 7, d1 has 8.',
    ' */',
    `import { hex, type Golden } from './golden.js'`,
    '',
    `export const goldens: readonly Golden[] = [\n${goldens.map(golden).join('')}]\n`,
  ].join('\n')
  const imported = /: hex\(/.test(text) ? '{ hex, type Golden }' : 'type { Golden }'
  const file = new URL(`../test/goldens/${name}.ts`, import.meta.url)
  writeFileSync(file, text.replace('{ hex, type Golden }', imported))
  console.log(`# ${name}: ${goldens.length}`)
}

const files = process.env['RTNETLINK_SECOND_KERNEL'] === undefined ? onThisKernel : onTheSecondKernel
const wanted = process.argv.slice(2)
for (const [name, file] of Object.entries(files))
  if (wanted.length === 0 || wanted.includes(name)) write(name, file)
