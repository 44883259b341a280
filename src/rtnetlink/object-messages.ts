import type { Codec, Infer, InferInput } from '../netlink/codec/index.js'
import type { MessageType } from '../netlink/message-type.js'

/** RTM_NEW*, RTM_DEL* and RTM_GET* of one kind of object, which have one body. */
export type ObjectMessages<Body extends Codec<unknown, never>> = Readonly<
  Record<'new' | 'delete' | 'get', MessageType<Infer<Body>, InferInput<Body>>>
>
