import type { NetworkNamespace } from '../../netns/network-namespace.js'
import { sysctlPath } from '../../netns/sysctl-path.js'
import { sysctlWords } from '../../netns/sysctl-words.js'
import type { Sysctl } from '../plan/facts.js'

/**
 * The sysctls whose host values a container gets, so that moving a task into one changes nothing for it: those that
 * Mesos copies (PortMappingIsolatorProcess::scripts). Ones that exist once for all namespaces are absent inside.
 */
const COPIED = [
  'net.core.somaxconn',
  'net.ipv4.tcp_ecn',
  'net.ipv4.tcp_ecn_fallback',
  'net.ipv4.tcp_keepalive_intvl',
  'net.ipv4.tcp_keepalive_probes',
  'net.ipv4.tcp_keepalive_time',
  'net.ipv4.tcp_max_syn_backlog',
  'net.ipv4.tcp_retries2',
  'net.ipv4.tcp_rmem',
  'net.ipv4.tcp_synack_retries',
  'net.ipv4.tcp_wmem',
] as const

/** Reads them from the host's namespace. */
export async function readCopiedSysctls(host: NetworkNamespace): Promise<Sysctl[]> {
  const values = await host.accessFiles(COPIED.map(name => [sysctlPath(name), null]))
  return COPIED.flatMap((name, i) => {
    const value = values[i]
    return typeof value === 'string' ? [{ name, value: sysctlWords(value), optional: true }] : []
  })
}
