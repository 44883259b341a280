import { deviceWord } from '../../netlink/device-word.js'
import type { Verb } from '../../netlink/object-type.js'
import { actionWords } from '../action.js'
import { formatHandle, parseClassid } from '../handle.js'
import { offloadWords } from '../offload.js'
import { rawWords } from '../tc-command.js'
import { formatU32Handle, inRootTable, parseU32Bucket, parseU32Handle, u32Bucket } from '../u32-handle.js'
import { hex32, keyFromWire, keysToWire, keyWords } from '../u32-key.js'
import type { U32Fields, U32Offset } from './u32-checks.js'

/** What follows `u32` on the command line of `tc`. */
export const u32Words = (fields: U32Fields, verb: Verb): string[] =>
  fields.divisor === undefined
    ? nodeWords(fields, verb)
    : ['divisor', `${fields.divisor}`, ...offloadWords(fields)]

function nodeWords(fields: U32Fields, verb: Verb): string[] {
  const { table, keys, hashKey, offset, link, classid, inputDevice, mark } = fields
  const handle = fields.handle === undefined ? 0 : parseU32Handle(fields.handle)
  const bucket = table === undefined ? u32Bucket(handle) : parseU32Bucket(table)
  return [
    ...(bucket === 0 || (table === undefined && inRootTable(bucket)) ? [] : ['ht', formatU32Handle(bucket)]),
    ...(verb === 'change' && keys === undefined
      ? []
      : keysToWire(keys ?? [])
          .map(keyFromWire)
          .flatMap(keyWords)),
    ...(mark ? ['match', 'mark', hex32(mark.value), hex32(mark.mask)] : []),
    ...(hashKey ? ['hashkey', 'mask', hex32(hashKey.mask), 'at', `${hashKey.at}`] : []),
    ...(offset ? offsetWords(offset) : []),
    ...(link === undefined ? [] : ['link', formatU32Handle(parseU32Handle(link))]),
    ...(classid === undefined ? [] : ['classid', formatHandle(parseClassid(classid))]),
    ...(inputDevice === undefined ? [] : ['indev', deviceWord(inputDevice)]),
    ...offloadWords(fields),
    ...actionWords(fields.actions),
    ...rawWords('TCA_U32_POLICE', fields.police),
  ]
}

const offsetWords = ({ at, mask, shift, plus, eat }: U32Offset): string[] => [
  'offset',
  ...(at === undefined ? [] : ['at', `${at}`]),
  ...(mask === undefined ? [] : ['mask', mask.toString(16).padStart(4, '0')]),
  ...(shift === undefined ? [] : ['shift', `${shift}`]),
  ...(plus === undefined ? [] : ['plus', `${plus}`]),
  ...(eat ? ['eat'] : []),
]
