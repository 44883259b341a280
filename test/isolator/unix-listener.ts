import { once } from 'node:events'
import { createServer } from 'node:net'

/** A unix socket at a path; what it returns takes it away. */
export async function unixListener(path: string): Promise<() => void> {
  const server = createServer().listen(path)
  await once(server, 'listening')
  return () => server.close()
}
