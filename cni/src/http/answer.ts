import type { ServerResponse } from 'node:http'

/** Answers with JSON, unless there has been an answer. */
export function answer(response: ServerResponse, status: number, body: unknown): void {
  if (response.headersSent) return
  response.writeHead(status, { 'Content-Type': 'application/json' })
  response.end(JSON.stringify(body))
}
