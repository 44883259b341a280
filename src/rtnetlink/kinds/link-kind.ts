import type { Codec } from '../../netlink/codec/index.js'
import type { DeviceNames } from '../../netlink/message-type.js'
import type { CommonLinkAttributes } from '../link-settings.js'

/** One kind of link: its IFLA_INFO_DATA, typed form and words of `ip link add … type <kind>`. */
export interface LinkKind<Fields extends object> {
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- the only type every codec is assignable to
  readonly data: Codec<any, any>
  /** IFLA_INFO_DATA of the fields given, undefined where there are none. Throws TypeError or RangeError. */
  toData(fields: Fields): unknown
  /** The fields in IFLA_INFO_DATA, and in the attributes of the link beside it. */
  fromData(data: unknown, attributes: CommonLinkAttributes, devices: DeviceNames): object
  /** The words behind `type <kind>`. */
  words(fields: Fields): string[]
}
