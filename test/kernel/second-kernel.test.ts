import t from 'tap'
import { canCreateNamespaces, hasAction, hasFilter, hasLink, hasQdisc } from '../helpers/privilege.js'

/**
 * Tests skip what the running kernel lacks. For that to hide nothing, the second kernel (`npm run test:uml`) has to
 * have all of it; this test fails there and skips elsewhere.
 */
const needed = [
  canCreateNamespaces(),
  ...['fq_codel', 'pfifo', 'prio', 'htb', 'tbf', 'ingress', 'clsact', 'netem'].map(hasQdisc),
  ...['u32', 'bpf', 'flower', 'matchall classid 1:1'].map(hasFilter),
  ...['gact', 'mirred'].map(hasAction),
  ...['veth', 'ifb', 'dummy', 'nlmon'].map(hasLink),
]

t.test('this kernel has everything that tests may ask for', async t => {
  for (const { skip } of needed)
    if (process.env['RTNETLINK_SECOND_KERNEL'] === undefined && skip !== false) t.pass(skip, { skip })
    else t.equal(skip, false)
})
