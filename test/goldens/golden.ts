/** A message as it was on the wire, and what it says. */
export interface Golden {
  readonly about: string
  /** What was done beforehand. */
  readonly setup?: readonly string[]
  /** What sent the message, or asked for it. */
  readonly command: string
  /** In hex, with white space; sequence number and port id are zero. Little endian. */
  readonly bytes: string
  /** The decoded body. */
  readonly value: unknown
}

/** Bytes in hex. */
export const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replace(/\s/g, ''), 'hex'))
