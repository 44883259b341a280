import { readFileSync } from 'node:fs'
import { Registry } from 'prom-client'
import t from 'tap'
import { registerDaemonMetrics } from '../../cni/src/daemon/daemon-metrics.js'
import type { HeldIsolator } from '../../cni/src/daemon/held-isolator.js'

interface Panel {
  id: number
  type: string
  title: string
  datasource: { type: string; uid: string }
  gridPos: { h: number; w: number; x: number; y: number }
  targets: { refId: string; expr: string; datasource: { uid: string } }[]
}

interface Dashboard {
  schemaVersion: number
  uid: string
  templating: { list: { name: string; type: string; query: string | { query: string } }[] }
  panels: Panel[]
}

const dashboard = JSON.parse(
  readFileSync(new URL('../../cni/grafana/rtnetlink.json', import.meta.url), 'utf8'),
) as Dashboard

/** The names of all samples that a scrape can have, and the labels of each. */
async function scraped(): Promise<Map<string, Set<string>>> {
  const queue = { bytes: 1, packets: 1, drops: 1, overlimits: 1, requeues: 1, backlog: 1, qlen: 1 }
  const counters = ['rx', 'tx'].flatMap(way =>
    ['bytes', 'packets', 'errors', 'dropped', 'rate_limit'].map(what => [`net_${way}_${what}`, 1]),
  )
  const statistics = {
    ...(Object.fromEntries(counters) as object),
    ...{ net_tcp_active_connections: 1, net_tcp_time_wait_connections: 1 },
    ...Object.fromEntries(['50', '90', '95', '99'].map(p => [`net_tcp_rtt_microsecs_p${p}`, 1])),
    net_traffic_control_statistics: [{ id: 'bw_limit', ...queue }],
  }
  const isolator = {
    usageAll: async () => new Map([['web-1', statistics]]),
    list: () => [],
    reason: undefined,
  }
  const registry = new Registry()
  const { calls, lost, repairs } = registerDaemonMetrics(registry, isolator as unknown as HeldIsolator)
  calls.observe({ command: 'ADD', code: '0' }, 0.01)
  lost.inc({ reason: 'sweep' })
  repairs.inc()
  const samples = (await registry.metrics()).matchAll(/^([a-z]\w*)(?:\{(.*)\})? /gm)
  return new Map(
    Array.from(samples, ([, name = '', labels = '']) => [
      name,
      new Set(Array.from(labels.matchAll(/(\w+)="/g), ([, label = '']) => label)),
    ]),
  )
}

/** Metrics that an expression names, each with the labels that it selects by. */
const namedIn = (expr: string): [name: string, labels: string[]][] =>
  Array.from(expr.matchAll(/\b(rtnetlink\w+)(?:\{([^}]*)\})?/g), ([, name = '', selector = '']) => [
    name,
    Array.from(selector.matchAll(/(\w+)[!=]~?"/g), ([, label = '']) => label),
  ])

t.test('every expression names metrics and labels that a scrape has', async t => {
  const samples = await scraped()
  // Prometheus's own, of every target.
  const targets = ['instance', 'job']
  const expressions = [
    ...dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
    ...dashboard.templating.list.flatMap(({ query }) => (typeof query === 'object' ? query.query : [])),
  ]
  const used = new Set<string>()
  for (const expr of expressions) {
    const named = namedIn(expr)
    t.ok(named.length > 0, expr)
    for (const [name, labels] of named) {
      used.add(name)
      const known = samples.get(name)
      t.ok(known, `${name} is scraped`)
      for (const label of labels)
        t.ok(targets.includes(label) || known?.has(label), `${name} has the label ${label}`)
    }
  }
  const counts = [...samples.keys()].filter(name => /^rtnetlink_container_net_[rt]x_.*_total$/.test(name))
  t.strictSame(
    counts.filter(name => !used.has(name)),
    [],
    'and no counter of containers is left out',
  )
})

t.test('what Grafana asks of a dashboard', async t => {
  const { panels, templating, uid, schemaVersion } = dashboard
  t.match({ uid, schemaVersion }, { uid: /^[\w-]{1,40}$/, schemaVersion: 39 })
  t.equal(new Set(panels.map(({ id }) => id)).size, panels.length, 'ids are unique')
  const variables = templating.list.map(({ name }) => name)
  const taken = new Set<string>()
  for (const { title, type, datasource, gridPos, targets } of panels) {
    t.match(type, /^(stat|timeseries)$/, title)
    t.strictSame(datasource, { type: 'prometheus', uid: '${datasource}' })
    t.ok(gridPos.x >= 0 && gridPos.x + gridPos.w <= 24, `${title} is within 24 columns`)
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++)
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
        if (taken.has(`${x} ${y}`)) t.fail(`${title} overlaps another panel`)
        taken.add(`${x} ${y}`)
      }
    t.equal(new Set(targets.map(({ refId }) => refId)).size, targets.length)
    for (const { expr } of targets) {
      for (const [, name = ''] of expr.matchAll(/\$(\w+)/g))
        t.ok(name.startsWith('__') || variables.includes(name), `$${name} is a variable`)
      t.equal(expr.match(/[({[]/g)?.length, expr.match(/[)}\]]/g)?.length, 'brackets are closed')
    }
  }
})
