import type { ServerOptions } from 'node:http'

/** What one client may take: no header or body that comes by the drop keeps a connection for long. */
export const LIMITS: ServerOptions = {
  maxHeaderSize: 8192,
  headersTimeout: 5000,
  requestTimeout: 10_000,
  keepAliveTimeout: 5000,
  connectionsCheckingInterval: 1000,
}

/** Connections at a time: each is a descriptor. */
export const MAX_CONNECTIONS = 64

/** A connection on which nothing happens for so long is closed, whatever it waits for. */
export const IDLE_MS = 30_000
