import type { Result } from '../spec/result.js'

/** netavark's `StatusBlock` of what an ADD has made: `podman inspect` shows it. */
export function statusOf({ interfaces, ips, dns }: Result): object {
  const inside = interfaces.filter(({ sandbox }) => sandbox !== undefined)
  const subnets = ips.map(({ address: ipnet, gateway }) => ({
    ipnet,
    ...(gateway !== undefined && { gateway }),
  }))
  return {
    dns_search_domains: dns.search ?? [],
    dns_server_ips: dns.nameservers ?? [],
    interfaces: Object.fromEntries(inside.map(({ name, mac }) => [name, { mac_address: mac, subnets }])),
  }
}
