import t from 'tap'
import { allOf, canCreateNamespaces, hasFilter, hasLink, hasQdisc, hasSysctl } from './privilege.js'

t.test('what is there is found', canCreateNamespaces(), async t => {
  t.strictSame(hasQdisc('ingress'), { skip: false })
  t.strictSame(hasLink('veth'), { skip: false })
  t.strictSame(hasSysctl('net/ipv4/ip_local_port_range'), { skip: false })
  t.strictSame(allOf(hasQdisc('ingress'), hasFilter('u32')), { skip: false })
})

t.test('what is not there is a reason to skip', canCreateNamespaces(), async t => {
  t.match(hasQdisc('nosuch'), { skip: /^qdisc nosuch: ./ })
  t.match(hasLink('nosuch'), { skip: /^link nosuch: ./ })
  t.match(hasSysctl('net/ipv4/nosuch'), { skip: /No such file/ })
  t.match(allOf(hasQdisc('ingress'), hasQdisc('nosuch')), { skip: /nosuch/ })
})
