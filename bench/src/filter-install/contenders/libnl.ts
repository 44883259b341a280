import { compile } from '../../compile.js'
import type { Contender } from '../../contender.js'
import { samplesOf } from '../../output.js'
import { programArguments, type Workload } from '../workload.js'

/** libnl-route from C, which the other isolators of this kind build on. */
export const libnl: Contender<Workload> = {
  name: 'libnl',
  form: 'one by one',
  peer: true,
  perSample: 1,
  async prepare(workload) {
    const program = await compile('libnl', 'libnl-route-3.0')
    return () => samplesOf(program, programArguments(workload))
  },
}
