import t from 'tap'
import { callOfHook, type Hook } from '../../cni/src/oci/call-of-hook.js'

const PLUG_IN = { type: 'rtnetlink-cni', ports: '31000-31999', ephemeralPorts: '20480-28671' }

const called = (hook: Hook, state: unknown, configuration: unknown = PLUG_IN) => {
  const { environment, input } = callOfHook(hook, JSON.stringify(configuration), JSON.stringify(state))
  return { environment, input: JSON.parse(input) as unknown }
}

t.test('createRuntime', async t => {
  t.strictSame(called('createRuntime', { ociVersion: '1.0.2', id: 'web', status: 'creating', pid: 7 }), {
    environment: {
      CNI_COMMAND: 'ADD',
      CNI_CONTAINERID: 'web',
      CNI_IFNAME: 'eth0',
      CNI_NETNS: '/proc/7/ns/net',
    },
    input: { cniVersion: '1.1.0', name: 'oci', ...PLUG_IN, runtimeConfig: {} },
  })
})

t.test('what annotations ask for', async t => {
  const annotations = {
    'org.example': 'of another',
    'rtnetlink.ports': '31000-31003',
    'rtnetlink.ingress-rate': '8000000',
    'rtnetlink.egress-rate': '16000000',
  }
  t.match(called('createRuntime', { id: 'web', pid: 7, annotations }).input, {
    runtimeConfig: {
      'io.kubernetes.cri.pod-annotations': { 'rtnetlink.ports': '31000-31003' },
      bandwidth: { ingressRate: 8_000_000, egressRate: 16_000_000 },
    },
  })
})

t.test('poststop, whatever the annotations', async t => {
  const annotations = { 'rtnetlink.port': '80' }
  t.strictSame(called('poststop', { id: 'web', pid: 0, status: 'stopped', annotations }), {
    environment: { CNI_COMMAND: 'DEL', CNI_CONTAINERID: 'web', CNI_IFNAME: 'eth0' },
    input: { cniVersion: '1.1.0', name: 'oci', ...PLUG_IN },
  })
})

t.test('the configuration of a list of plug-ins', async t => {
  const list = { cniVersion: '1.0.0', name: 'shared', disableCheck: true, plugins: [PLUG_IN] }
  t.match(called('poststop', { id: 'web' }, list).input, { cniVersion: '1.0.0', name: 'shared', ...PLUG_IN })
})

const refused: Record<string, [state: unknown, configuration: unknown, message: string]> = {
  'no process': [{ id: 'web' }, PLUG_IN, "container 'web' has no process"],
  'no id': [{ pid: 7 }, PLUG_IN, 'standard input is no state of a container: id is undefined'],
  'no state': [[], PLUG_IN, 'the state of the container is no object'],
  'no configuration': [{ id: 'web', pid: 7 }, 1, "the network's configuration is no object"],
  'a misspelt annotation': [
    { id: 'web', pid: 7, annotations: { 'rtnetlink.port': '31000' } },
    PLUG_IN,
    'there is no annotation rtnetlink.port: expected one of rtnetlink.ports, ',
  ],
  'a rate with a unit': [
    { id: 'web', pid: 7, annotations: { 'rtnetlink.egress-rate': '8M' } },
    PLUG_IN,
    'the annotation rtnetlink.egress-rate is "8M": expected a whole number of bits per second',
  ],
  'a chain': [
    { id: 'web', pid: 7 },
    { plugins: [PLUG_IN, { type: 'tuning' }] },
    'plugins is a list of rtnetlink-cni, tuning: expected rtnetlink-cni alone',
  ],
  'an empty list': [{ id: 'web', pid: 7 }, { plugins: [] }, 'plugins is no list of plug-ins'],
}
for (const [name, [state, configuration, message]] of Object.entries(refused))
  t.test(`refused: ${name}`, async t => {
    t.throws(() => called('createRuntime', state, configuration), { name: 'CniError', message })
  })
