import { Writer, type Codec } from '../../src/netlink/codec/index.js'

/** The bytes that a codec puts. The buffer is full of old bytes beforehand, which must not show. */
export function encoded<In>(codec: Codec<unknown, In>, value: In): Uint8Array {
  const writer = new Writer(64)
  writer.append(new Uint8Array(64).fill(0xaa))
  writer.truncate(0)
  codec.put(writer, value)
  return Uint8Array.from(writer.bytes())
}

/** What a codec reads from bytes that end where the memory ends, and do not begin where it begins. */
export function decoded<Out>(codec: Codec<Out, never>, bytes: Uint8Array): Out {
  const memory = new Uint8Array(bytes.length + 3).fill(0xaa)
  memory.set(bytes, 3)
  return codec.get(new DataView(memory.buffer), 3, memory.length)
}
