import {
  attributes,
  bareText,
  byKind,
  be16,
  be32,
  binary,
  chars,
  flag,
  ipAddress,
  linkAddress,
  list,
  nested,
  numbered,
  reserved,
  s16,
  s32,
  struct,
  structWithTail,
  text,
  u16,
  u32,
  u64,
  u8,
} from '../../src/netlink/codec/index.js'
import type { Request } from '../../src/netlink/message.js'
import {
  messageBody,
  messagesByType,
  type AnyMessageType,
  type Protocol,
} from '../../src/netlink/message-type.js'

/** A family that no kernel has, with one of every codec: widgets, made of parts. */

export const selector = structWithTail(
  struct({ flags: u8, nkeys: u8, reserved: reserved(2), mask: be32, offset: s16, off: be16 }),
  'keys',
  struct({ mask: be32, value: be32, at: s32 }),
)

export const partAttributes = attributes({
  kind: ['PART_KIND', 1, text],
  weight: ['PART_WEIGHT', 2, u32],
  tag: ['PART_TAG', 3, bareText],
})

export const gearAttributes = attributes({
  teeth: ['GEAR_TEETH', 1, u32],
  parts: ['GEAR_PARTS', 2, numbered('part', partAttributes)],
  selector: ['GEAR_SELECTOR', 3, selector],
})

export const widgetAttributes = attributes({
  kind: ['WIDGET_KIND', 1, text],
  options: ['WIDGET_OPTIONS', 2, byKind('kind', { gear: gearAttributes, lever: list(u16) })],
  address: ['WIDGET_ADDRESS', 3, ipAddress],
  lladdr: ['WIDGET_LLADDR', 4, linkAddress],
  counter: ['WIDGET_COUNTER', 5, u64],
  parts: ['WIDGET_PARTS', 6, nested(numbered('part', nested(partAttributes)))],
  loud: ['WIDGET_LOUD', 7, flag],
  data: ['WIDGET_DATA', 8, binary],
})

export const widgetHeader = struct({ family: u8, index: s32, label: chars(6), info: u16 })

export const widgetBody = messageBody(widgetHeader, widgetAttributes)

export const newWidget = { name: 'RTM_NEWWIDGET', type: 16, body: widgetBody } satisfies AnyMessageType
export const delWidget = { name: 'RTM_DELWIDGET', type: 17, body: widgetBody } satisfies AnyMessageType
export const getWidget = { name: 'RTM_GETWIDGET', type: 18, body: widgetBody } satisfies AnyMessageType

export const protocol: Protocol = {
  name: 'widgets',
  number: 0,
  messages: messagesByType(newWidget, delWidget, getWidget),
  command: ({ type, body }) =>
    type === getWidget.type
      ? undefined
      : `widget ${type === newWidget.type ? 'add' : 'del'} ${(body as { index: number }).index}`,
}

type Widget = Parameters<typeof widgetBody.put>[1]

export const request = (type: typeof newWidget, body: Widget = {}, flags = 0): Request<never> =>
  ({ type, flags, body }) as unknown as Request<never>

export const add = (index: number, attributes?: Widget['attributes']): Request<never> =>
  request(newWidget, { index, attributes })
