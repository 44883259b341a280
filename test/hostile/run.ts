import { isFrame, type Check, type Group, type Verdicts } from './check.js'
import { build, type HostSettings } from './layouts.js'
import { World, type LayoutName } from './world.js'

const SCENARIO_TIMEOUT = 20_000

/** Runs all checks on a layout that is made for it, and tells what became of each. */
export async function attack(
  layout: LayoutName,
  groups: readonly Group[],
  settings?: HostSettings,
): Promise<Verdicts> {
  const verdicts: Verdicts = new Map()
  for (const frames of [true, false]) {
    const chosen = groups.map(({ checks }) => checks.filter(check => isFrame(check) === frames))
    if (chosen.every(checks => checks.length === 0)) continue
    // Scenarios leave their mark on a layout, so that frames get one of their own.
    const built = await build(layout, settings)
    const world = await World.of(built)
    try {
      for (const checks of chosen) {
        for (const [id, verdict] of frames ? await world.judge(checks) : await play(world, checks))
          verdicts.set(id, verdict)
      }
    } finally {
      await world.close()
      await built.close()
      await world.removeScratch()
    }
  }
  return verdicts
}

async function play(world: World, checks: readonly Check[]): Promise<Verdicts> {
  const verdicts: Verdicts = new Map()
  for (const check of checks) {
    if (isFrame(check) || check.notOn?.includes(world.layout)) continue
    const timeout = new Promise<string>(resolve => {
      setTimeout(() => resolve(`not done within ${SCENARIO_TIMEOUT} ms`), SCENARIO_TIMEOUT).unref()
    })
    const verdict = await Promise.race([check.run(world), timeout]).catch((error: unknown) => String(error))
    verdicts.set(check.id, verdict)
  }
  return verdicts
}
