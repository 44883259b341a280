import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import { registerMetrics } from 'rtnetlink/metrics'
import type { HeldIsolator } from './held-isolator.js'

/** What the daemon counts of itself. */
export interface DaemonMetrics {
  /** Seconds that calls take; code 0 for those that succeed. */
  readonly calls: Histogram<'command' | 'code'>
  readonly lost: Counter<'reason'>
  readonly repairs: Counter
}

/** Adds the metrics of the daemon, and those of all containers, to a registry. */
export function registerDaemonMetrics(registry: Registry, isolator: HeldIsolator): DaemonMetrics {
  const registers = [registry]
  new Gauge({
    ...{ name: 'rtnetlinkd_ready', help: '1 where containers can be added', registers },
    collect() {
      this.set(isolator.reason === undefined ? 1 : 0)
    },
  })
  new Gauge({
    ...{ name: 'rtnetlinkd_containers', help: 'How many containers there are', registers },
    collect() {
      this.set(isolator.list().length)
    },
  })
  registerMetrics(isolator, registry)
  return {
    calls: new Histogram({
      name: 'rtnetlinkd_call_duration_seconds',
      help: 'How long calls of CNI take, by command and error code, 0 for success',
      labelNames: ['command', 'code'],
      buckets: [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5],
      registers,
    }),
    lost: new Counter({
      name: 'rtnetlinkd_lost_containers_total',
      help: 'Containers that went without a DEL',
      labelNames: ['reason'],
      registers,
    }),
    repairs: new Counter({
      name: 'rtnetlinkd_repairs_total',
      help: 'How often something on the host was put right',
      registers,
    }),
  }
}
