import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { randomNumbers } from '../helpers/mutations.js'
import { HOST_IP } from '../helpers/topology.js'
import { needsIsolation, preparedTopology } from '../isolator/isolated-topology.js'
import { changesNothing } from '../isolator/kernel-state.js'
import { Client } from './clients.js'
import { Seat, type Random } from './seat.js'

/** `npm run soak -- 600` for ten minutes. */
const SECONDS = Number(process.env['SOAK_SECONDS'] ?? 20)
const SEED = Number(process.env['SOAK_SEED'] ?? Date.now() % 0x7fffffff)
const SEATS = 8

/** Containers come, change and go in one seat until it is time; the last one stays. */
async function live(seat: Seat, random: Random, stopped: () => boolean): Promise<void> {
  for (;;) {
    await seat.begin()
    for (let updates = random(8); updates > 0 && !stopped(); updates--) {
      await sleep(random(200))
      await seat.update()
    }
    if (stopped()) return
    await seat.end()
  }
}

t.setTimeout((SECONDS + 120) * 1000)

t.test(`${SECONDS} s of containers that come, change and go under traffic`, needsIsolation(), async t => {
  t.comment(`seed ${SEED}`)
  const random = randomNumbers(SEED)
  const { topology, host, remote, isolator } = await preparedTopology(t, {
    containers: 1,
    ephemeralPortsPerContainer: 256,
  })
  const [neighbour] = topology.containers as [typeof host]
  await isolator.isolate('neighbour', { netns: neighbour.name })
  const seats = Array.from({ length: SEATS }, (_, i) => new Seat(isolator, i, random))
  const clients: Client[] = []

  await changesNothing(t, [host], async () => {
    for (const [namespace, address] of [
      [remote, HOST_IP],
      [host, HOST_IP],
      [host, '127.0.0.1'],
      [neighbour, HOST_IP],
      [neighbour, '127.0.0.1'],
    ] as const)
      clients.push(await Client.in(namespace, address))
    const end = performance.now() + SECONDS * 1000
    const stopped = (): boolean => performance.now() > end
    const watching = (async () => {
      while (!stopped()) {
        await sleep(1000)
        await isolator.usageAll()
      }
    })()
    await Promise.all([
      ...seats.map(seat => live(seat, random, stopped)),
      ...clients.map(client => client.run(seats, stopped)),
      watching,
    ])
    t.strictSame(await isolator.verify(), [], 'what is there in the end is as planned')
    for (const seat of seats) await seat.end()
  })

  const sum = (numbers: number[]): number => numbers.reduce((total, number) => total + number, 0)
  t.comment(
    `${sum(seats.map(({ lives }) => lives))} containers, ${sum(seats.map(({ updates }) => updates))} updates, ` +
      `${sum(seats.map(({ served }) => served))} datagrams served, answers ${clients.map(({ answers }) => answers).join(', ')}`,
  )
  t.strictSame(
    [...seats, ...clients].flatMap(({ misdelivered }) => misdelivered),
    [],
    'nothing was misdelivered',
  )
  for (const seat of seats) t.ok(seat.served > 0, 'every seat was served')
  for (const client of clients) t.ok(client.answers > 0, 'every client was answered')
})
