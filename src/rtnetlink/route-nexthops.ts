import {
  align,
  DecodeError,
  s32,
  struct,
  u16,
  u8,
  type Codec,
  type Infer,
  type InferInput,
} from '../netlink/codec/index.js'

/** struct rtnexthop, linux/rtnetlink.h. `len` is that of the struct and the attributes behind it. */
export const rtnexthop = struct({ len: u16, flags: u8, hops: u8, ifindex: s32 })

type Nexthop<A> = Infer<typeof rtnexthop> & { attributes: A }
type NexthopInput<A> = Omit<InferInput<typeof rtnexthop>, 'len'> & { readonly attributes?: A | undefined }

/** RTA_MULTIPATH: nexthops one behind the other, each with attributes of the route's. */
export const nexthops = <O, I>(attributes: Codec<O, I>): Codec<Nexthop<O>[], readonly NexthopInput<I>[]> => ({
  parts: [rtnexthop, attributes],
  put(writer, values) {
    for (const { attributes: members, ...value } of values) {
      const at = writer.reserve(rtnexthop.size)
      if (members !== undefined) attributes.put(writer, members)
      rtnexthop.write(writer.view, at, { ...value, len: writer.length - at })
      writer.pad()
    }
  },
  get(view, at, end) {
    const values: Nexthop<O>[] = []
    while (at + rtnexthop.size <= end) {
      const nexthop = rtnexthop.read(view, at)
      if (nexthop.len < rtnexthop.size || at + nexthop.len > end) {
        throw new DecodeError(`a nexthop of ${nexthop.len} bytes does not fit the ${end - at} that are left`)
      }
      values.push({ ...nexthop, attributes: attributes.get(view, at + rtnexthop.size, at + nexthop.len) })
      at += align(nexthop.len)
    }
    return values
  },
})
