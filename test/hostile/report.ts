/** `npm run hostile`: the score tables of our layout and of the classic one, of each family. */
import { GROUPS, GROUPS6 } from './groups.js'
import { attack } from './run.js'
import { scoreTable } from './score.js'

for (const [groups, settings] of [
  [GROUPS, {}],
  [GROUPS6, { inet6: true }],
] as const) {
  const ours = await attack('ours', groups, settings)
  const classic = await attack('classic', groups, settings)
  console.log(scoreTable(groups, { ours, classic }))
}
