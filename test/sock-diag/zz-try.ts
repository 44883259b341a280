import { createServer, connect } from 'node:net'
import { createSocket } from 'node:dgram'
import { inspect } from 'node:util'
import { SockDiagSocket } from '../../src/sock-diag/index.js'
const server = createServer().listen(0, '127.0.0.1')
await new Promise(r => server.once('listening', r))
const port = (server.address() as { port: number }).port
const client = connect(port, '127.0.0.1'); await new Promise(r => client.once('connect', r))
const six = createServer().listen(0, '::1'); await new Promise(r => six.once('listening', r))
const udp = createSocket('udp4'); await new Promise<void>(r => udp.bind(0, () => r()))
client.write('hello'); await new Promise(r => setTimeout(r, 50))
const diag = await SockDiagSocket.open()
const show = (x: unknown) => console.log(inspect(x, { depth: 5, breakLength: 160 }))
show(await diag.list({ states: ['listening'] }))
show(await diag.list({ localPort: port, details: true }))
show((await diag.list({ localPorts: [port, port] })).length)
show((await diag.list({ localPorts: [1, port - 1] })).map(s => s.localPort))
show((await diag.list({ localPorts: [port + 1, 65535] })).map(s => s.localPort))
show((await diag.list({ remotePort: port })).map(s => s.localPort))
show(await diag.list({ protocol: 'udp', details: true }))
show(await diag.list({ protocol: 'sctp' }).catch(String))
show(await diag.list({ localPorts: [1, 70000] }).catch(String))
diag.close(); server.close(); client.destroy(); six.close(); udp.close()
