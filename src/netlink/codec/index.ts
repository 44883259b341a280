export { ipAddress, ipv4, ipv4ToNumber, linkAddress, linkAddressToBytes, numberToIpv4 } from './addresses.js'
export {
  attributes,
  nested,
  numbered,
  type Attribute,
  type AttributeSet,
  type UnknownAttribute,
} from './attributes.js'
export { byKind } from './by-kind.js'
export { bareText, binary, chars, flag, text } from './bytes.js'
export type { Codec, FixedCodec, Infer, InferInput } from './codec.js'
export { DecodeError } from './decode-error.js'
export { array, be16, be32, be64, reserved, s16, s32, s64, s8, u16, u32, u64, u8 } from './scalars.js'
export { list, struct, structWithTail, type Struct, type Surplus } from './struct.js'
export { align, Writer } from './writer.js'
