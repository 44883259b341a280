/**
 * The file of a sysctl: `'net.ipv4.ip_forward'`, or with slashes where a name contains a dot, as in sysctl(8):
 * `'net/ipv4/conf/eth0.100/rp_filter'`. Throws TypeError on anything that would lead outside `/proc/sys`.
 */
export function sysctlPath(name: string): string {
  const path = name.includes('/') ? name : name.replaceAll('.', '/')
  if (!/^[^/\0]+(\/[^/\0]+)+$/.test(path) || path.split('/').includes('..')) {
    throw new TypeError(`'${name}' is not the name of a sysctl like net.ipv4.ip_forward`)
  }
  return `/proc/sys/${path}`
}
