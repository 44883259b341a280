/** `npm run hostile`: the score table of our layout and of the classic one. */
import { GROUPS } from './groups.js'
import { attack } from './run.js'
import { scoreTable } from './score.js'

const ours = await attack('ours', GROUPS)
const classic = await attack('classic', GROUPS)
console.log(scoreTable(GROUPS, { ours, classic }))
