import { join } from 'node:path'
import type { Contender } from '../../contender.js'
import { NATIVE } from '../../folders.js'
import { output, samplesOf } from '../../output.js'
import { programArguments, type Workload } from '../workload.js'

/** The distribution's Python, for which the distribution has pyroute2; then any. */
const PYTHONS = ['/usr/bin/python3', 'python3']

async function pythonWithPyroute2(): Promise<string> {
  for (const python of PYTHONS) {
    try {
      await output(python, ['-c', 'import pyroute2'])
      return python
    } catch {
      continue
    }
  }
  throw new Error(`no python3 that has pyroute2 (Debian: python3-pyroute2)`)
}

/** Python's netlink library. */
export const pyroute2: Contender<Workload> = {
  name: 'pyroute2',
  form: 'one by one',
  peer: true,
  perSample: 1,
  async prepare(workload) {
    const python = await pythonWithPyroute2()
    const script = join(NATIVE, 'pyroute2_filters.py')
    return () => samplesOf(python, [script, ...programArguments(workload)])
  },
}
