/**
 * The file of a sysctl, by the rules of sysctl(8): of `.` and `/`, the one that comes first separates, and the other
 * stands for itself swapped. So `'net/ipv4/conf/eth0.100/rp_filter'` and `'net.ipv4.conf.eth0/100.rp_filter'` are the
 * same. Throws TypeError for what is no name, in particular for one that would lead outside `/proc/sys`.
 */
export function sysctlPath(name: string): string {
  const dotted = /[./]/.exec(name)?.[0] === '.'
  const path = dotted ? name.replace(/[./]/g, separator => (separator === '.' ? '/' : '.')) : name
  if (!/^[^/\0]+(\/[^/\0]+)+$/.test(path) || path.split('/').includes('..')) {
    throw new TypeError(`'${name}' is not the name of a sysctl like net.ipv4.ip_forward`)
  }
  return `/proc/sys/${path}`
}
