import t from 'tap'
import { invoke } from '../../cni/src/plug-in/invoke.js'
import { isolatorsOfOneCall } from '../../cni/src/plug-in/isolators-of-one-call.js'
import { COMMANDS } from '../../cni/src/spec/request.js'
import { VERSIONS } from '../../cni/src/spec/versions.js'
import { NETWORK } from './network.js'
import { environmentOf, mapped, type CallOptions } from './plug-in-process.js'

/** Calls that end before a kernel is asked. */
async function refused(
  command: string,
  options: CallOptions & { readonly input?: string } = {},
): Promise<{ status: number; result: unknown }> {
  const { input = JSON.stringify({ ...NETWORK, ...options.config }) } = options
  const environment = environmentOf(command, { netns: '/proc/self/ns/net', ...options })
  const { status, output } = await invoke({ environment, input }, isolatorsOfOneCall)
  return { status, result: output === '' ? undefined : JSON.parse(output) }
}

const mapping = (hostPort: number, containerPort: number, more: object = {}) => ({
  runtimeConfig: { portMappings: [{ hostPort, containerPort, protocol: 'tcp', ...more }] },
})

const refusals: [what: string, options: CallOptions & { input?: string }, code: number, msg: RegExp][] = [
  [
    'a version that is to come',
    { config: { cniVersion: '2.0.0' } },
    1,
    /'2\.0\.0': this plug-in speaks 0\.4\.0, 1\.0\.0, 1\.1\.0$/,
  ],
  ['an old version', { config: { cniVersion: '0.3.1' } }, 1, /'0\.3\.1'/],
  ['no version', { config: { cniVersion: null } }, 1, /cniVersion is undefined/],
  [
    'an unknown key',
    { config: { hostSocket: 'ignore' } },
    2,
    /unknown 'hostSocket', did you mean 'hostSockets'\?$/,
  ],
  [
    'an unknown key of a capability',
    { config: { runtimeConfig: { mac: '02:00:00:00:00:01' } } },
    2,
    /runtimeConfig\.mac/,
  ],
  ["a daemon's option", { config: { exclusive: true } }, 2, /'exclusive' is no option of a network/],
  ['the host side', { config: { netns: 'host' } }, 2, /'netns' is no option of a network/],
  ['an address manager', { config: { ipam: { type: 'host-local' } } }, 2, /ipam\.type/],
  ['no id', { id: '' }, 4, /^CNI_CONTAINERID is not set/],
  ['an id with a slash', { id: '../x' }, 4, /^CNI_CONTAINERID is '\.\.\/x': expected a letter/],
  ['an id of 200 bytes', { id: 'a'.repeat(200) }, 4, /^CNI_CONTAINERID is too long/],
  ['no interface', { ifname: '' }, 4, /^CNI_IFNAME is not set/],
  ['an interface of 16 characters', { ifname: 'a'.repeat(16) }, 4, /^CNI_IFNAME is 'a{16}': expected/],
  ['an interface with a slash', { ifname: 'a/b' }, 4, /^CNI_IFNAME/],
  ['arguments without values', { args: 'IgnoreUnknown' }, 4, /^CNI_ARGS is 'IgnoreUnknown': expected pairs/],
  ['no configuration', { input: '' }, 6, /no JSON/],
  ['half a configuration', { input: '{"cniVersion":"1.0.0",' }, 6, /no JSON/],
  ['a list', { input: '[]' }, 6, /no object/],
  [
    'a wrong type',
    { config: { ephemeralPortsPerContainer: '64' } },
    7,
    /^ephemeralPortsPerContainer is '64'/,
  ],
  ['a missing option', { config: { ephemeralPorts: null } }, 7, /^ephemeralPorts is missing/],
  ['a name with a colon', { config: { name: 'a:b' } }, 7, /^name is 'a:b'/],
  ['a name that is none', { config: { name: null } }, 7, /^name is undefined/],
  ['a port beyond the last', { config: mapping(70_000, 70_000) }, 7, /portMappings\[0\]\.hostPort is 70000/],
  ['half a bit', { config: { runtimeConfig: { bandwidth: { egressRate: 0.5 } } } }, 7, /egressRate is 0\.5/],
  ['ports that are no ports', { args: 'RTNETLINK_PORTS=all' }, 7, /^RTNETLINK_PORTS in CNI_ARGS: .*'all'/],
  [
    'another port inside',
    { config: mapping(8080, 80) },
    101,
    /^hostPort 8080 and containerPort 80 differ: .*listen on 8080/,
  ],
  [
    'ports that nobody may ask for',
    { config: { requestablePorts: '31000-31099', ...mapped(31_099, 31_100) } },
    104,
    /^ports 31100 cannot be asked for: requestablePorts of the network is 31000-31099$/,
  ],
  [
    "a pod's wish for ports that nobody may ask for",
    {
      config: {
        requestablePorts: '31000-31099',
        runtimeConfig: { 'io.kubernetes.cri.pod-annotations': { 'rtnetlink.ports': '31000-31007,31200' } },
      },
    },
    104,
    /^ports 31200 /,
  ],
]

t.test('what is refused, by ADD and CHECK alike', async t => {
  for (const command of ['ADD', 'CHECK'])
    for (const [what, options, code, msg] of refusals) {
      const { status, result } = await refused(command, options)
      t.match({ status, result }, { status: 1, result: { code, msg } }, `${command}: ${what}`)
    }
})

t.test('each version is answered in that version', async t => {
  for (const cniVersion of VERSIONS)
    for (const command of ['ADD', 'CHECK', 'DEL'])
      t.match(
        await refused(command, { id: '', config: { cniVersion } }),
        { status: 1, result: { cniVersion, code: 4 } },
        `${command} ${cniVersion}`,
      )
})

t.test('an ADD and a CHECK need a namespace', async t => {
  for (const command of ['ADD', 'CHECK']) {
    t.match(await refused(command, { netns: '' }), { result: { code: 4, msg: /^CNI_NETNS is not set/ } })
  }
  t.match(await refused('ADD', { netns: '/nowhere' }), {
    result: { code: 4, msg: /^CNI_NETNS is '\/nowhere', which cannot be opened as a network namespace: / },
  })
})

t.test('a DEL asks for little', async t => {
  t.match(await refused('DEL', { config: { cniVersion: '3' } }), { result: { code: 1 } })
  t.match(await refused('DEL', { id: '' }), { result: { code: 4 } })
  t.match(await refused('DEL', { input: '' }), { result: { code: 6 } })
  t.match(await refused('DEL', { config: { name: '' } }), { result: { code: 7 } })
  t.strictSame(
    await refused('DEL', { id: 'a'.repeat(200) }),
    { status: 0, result: undefined },
    'no container has an id of that length: it is gone',
  )
})

t.test('GC and STATUS came with 1.1.0', async t => {
  for (const command of ['GC', 'STATUS'])
    for (const cniVersion of ['0.4.0', '1.0.0'])
      t.match(await refused(command, { config: { cniVersion } }), {
        status: 1,
        result: {
          cniVersion,
          code: 1,
          msg: `${command} came with cniVersion 1.1.0: this network has ${cniVersion}`,
        },
      })
  t.match(await refused('GC'), {
    result: { code: 7, msg: /^cni\.dev\/valid-attachments: .*expected a list/ },
  })
  t.match(await refused('GC', { config: { 'cni.dev/valid-attachments': [{}] } }), { result: { code: 7 } })
})

t.test('VERSION says which there are, whatever it is asked in', async t => {
  for (const cniVersion of [...VERSIONS, '0.1.0'])
    t.strictSame(await refused('VERSION', { config: { cniVersion } }), {
      status: 0,
      result: {
        cniVersion,
        supportedVersions: ['0.4.0', '1.0.0', '1.1.0'],
      },
    })
})

t.test('another command', async t => {
  for (const command of ['add', 'UPDATE', ''])
    t.match(await refused(command), { status: 1, result: { code: 4, msg: new RegExp(COMMANDS.join(', ')) } })
})
