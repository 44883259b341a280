import t from 'tap'
import { sysctlPath } from '../../src/netns/sysctl-path.js'

t.test('names as in sysctl(8): what comes first separates', async t => {
  const paths = {
    'net.ipv4.ip_forward': '/proc/sys/net/ipv4/ip_forward',
    'net/ipv4/ip_forward': '/proc/sys/net/ipv4/ip_forward',
    'net/ipv4/conf/eth0.100/rp_filter': '/proc/sys/net/ipv4/conf/eth0.100/rp_filter',
    'net.ipv4.conf.eth0/100.rp_filter': '/proc/sys/net/ipv4/conf/eth0.100/rp_filter',
  }
  for (const [name, path] of Object.entries(paths)) t.equal(sysctlPath(name), path)
})

t.test('nothing leads outside /proc/sys', async t => {
  const wrong = [
    '',
    'net',
    '/etc/passwd',
    '../../etc/passwd',
    'net/../../../etc/passwd',
    'net.//.passwd',
    'net..ipv4',
    'net.ipv4.',
    '.net.ipv4',
    'net/ipv4\0/ip_forward',
  ]
  for (const name of wrong) {
    t.throws(() => sysctlPath(name), {
      name: 'TypeError',
      message: `'${name}' is not the name of a sysctl like net.ipv4.ip_forward`,
    })
  }
})
