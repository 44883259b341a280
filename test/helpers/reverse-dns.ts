import type { NamespaceRef } from './topology.js'
import { runIn } from './iproute2.js'
import { udpSocketIn } from './namespace-sockets.js'

const HEADER = 12
/** QR and RA: a response of a server that recurses (RFC 1035, 4.1.1). */
const RESPONSE = 0x8080

export interface DnsServer extends AsyncDisposable {
  /** `address:port` of each query's sender, as the server saw it. */
  peers: string[]
}

/** A name server on port 53 that answers every PTR query with the same name. */
export async function dnsServer(namespace: NamespaceRef, name: string): Promise<DnsServer> {
  const socket = await udpSocketIn(namespace, '0.0.0.0', 53)
  const peers: string[] = []
  socket.on('message', (query, { address, port }) => {
    peers.push(`${address}:${port}`)
    socket.send(answerTo(query, name), port, address)
  })
  const close = (): Promise<void> => new Promise(resolve => socket.close(() => resolve()))
  return { peers, [Symbol.asyncDispose]: close }
}

/** The names that the server at `server` gives for an address, asked by a process inside the namespace: `host <address>`. */
export async function reverseLookup(from: NamespaceRef, server: string, address: string): Promise<string[]> {
  const script = `
    const resolver = new (require('node:dns').promises.Resolver)({ timeout: 2000, tries: 3 })
    resolver.setServers(['${server}'])
    resolver.reverse('${address}').then(names => console.log(JSON.stringify(names)))`
  return JSON.parse(await runIn(from.path, process.execPath, '-e', script)) as string[]
}

/** The query's id and question, and one answer that points at the question's name (RFC 1035, 4.1.3, 4.1.4). */
function answerTo(query: Buffer, name: string): Buffer {
  const question = query.subarray(HEADER, query.indexOf(0, HEADER) + 5)
  const labels = name.split('.').map(label => Buffer.from([label.length, ...Buffer.from(label)]))
  const data = Buffer.concat([...labels, Buffer.from([0])])
  const head = Buffer.alloc(HEADER)
  query.copy(head, 0, 0, 2)
  head.writeUInt16BE(RESPONSE, 2)
  head.writeUInt16BE(1, 4)
  head.writeUInt16BE(1, 6)
  const answer = Buffer.from([0xc0, HEADER, 0, 12, 0, 1, 0, 0, 0, 60, 0, data.length])
  return Buffer.concat([head, question, answer, data])
}
