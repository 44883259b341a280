import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { parseMesosFlags } from '../../../src/isolator/mesos/flags.js'

const EPHEMERAL = '--resources=ephemeral_ports:[32768-57344]'

/** The options that flags become, the ports apart. */
function optionsOf(...argv: string[]): Record<string, unknown> {
  const { ports, ephemeralPorts, ...options } = parseMesosFlags([EPHEMERAL, ...argv]).options
  t.equal(String(ephemeralPorts), '32768-57344')
  t.equal(ports, undefined)
  return options
}

t.test('the command line of the documents', async t => {
  const { options, ...others } = parseMesosFlags([
    '--isolation=network/port_mapping',
    '--resources=ports:[31000-32000];ephemeral_ports:[32768-57344]',
    '--ephemeral_ports_per_container=1024',
    '--egress_rate_limit_per_container=37500KB',
    '--egress_unique_flow_per_container',
  ])
  t.match(options, {
    ephemeralPortsPerContainer: 1024,
    egressRateLimitPerContainer: 38_400_000,
    egressUniqueFlowPerContainer: true,
  })
  t.equal(String(options.ports), '31000-32000')
  t.equal(String(options.ephemeralPorts), '32768-57344')
  t.equal(Object.keys(options).length, 5, 'nothing else is said')
  t.strictSame(others, { isolation: ['network/port_mapping'], resources: {}, rest: [] })
})

t.test('the command line of the older document', async t => {
  const { options, ...others } = parseMesosFlags([
    '--checkpoint',
    '--log_dir=/var/log/mesos',
    '--work_dir=/var/lib/mesos',
    '--isolation=cgroups/cpu,cgroups/mem,network/port_mapping',
    '--resources=cpus:22;mem:62189;ports:[31000-32000];disk:400000;ephemeral_ports:[32768-57344]',
    '--ephemeral_ports_per_container=1024',
  ])
  t.equal(String(options.ports), '31000-32000')
  t.equal(String(options.ephemeralPorts), '32768-57344')
  t.strictSame(others, {
    isolation: ['cgroups/cpu', 'cgroups/mem', 'network/port_mapping'],
    resources: { cpus: 22, mem: 62189, disk: 400000 },
    rest: ['--checkpoint', '--log_dir=/var/log/mesos', '--work_dir=/var/lib/mesos'],
  })
  t.equal(options.cpus, 22, "what 'auto' divides the link's speed by")
})

t.test('every flag of the isolator has its option', async t => {
  const rates = (way: string): string[] => [
    `--minimum_${way}_rate_limit=1KB`,
    `--maximum_${way}_rate_limit=1GB`,
    `--${way}_ceil_limit=2GB`,
    `--${way}_burst=64KB`,
  ]
  t.strictSame(
    optionsOf(
      ...['--eth0_name=eth1', '--lo_name=lo', '--ephemeral_ports_per_container=512'],
      ...[...rates('egress'), '--egress_rate_per_cpu=auto', '--egress_flow_classifier_parent=1:10'],
      ...[...rates('ingress'), '--ingress_rate_per_cpu=10MB', '--no-ingress_isolate_existing_containers'],
      ...['--network_link_speed=125000000B', '--egress_unique_flow_per_container=true'],
      ...['--network_enable_socket_statistics_summary', '--network_enable_socket_statistics_details=1'],
      ...['--network_enable_snmp_statistics=false', '--network_enable_rate_statistics='],
      ...['--network_rate_statistics_window=1.5mins', '--network_rate_statistics_interval=500ms'],
    ),
    {
      publicInterface: 'eth1',
      loopbackInterface: 'lo',
      ephemeralPortsPerContainer: 512,
      minimumEgressRateLimit: 1024,
      maximumEgressRateLimit: 1024 ** 3,
      egressCeilLimit: 2 * 1024 ** 3,
      egressBurst: 65_536,
      egressRatePerCpu: 'auto',
      egressFlowClassifierParent: '1:10',
      minimumIngressRateLimit: 1024,
      maximumIngressRateLimit: 1024 ** 3,
      ingressCeilLimit: 2 * 1024 ** 3,
      ingressBurst: 65_536,
      ingressRatePerCpu: 10 * 1024 ** 2,
      ingressIsolateExistingContainers: false,
      networkLinkSpeed: 125_000_000,
      egressUniqueFlowPerContainer: true,
      networkEnableSocketStatisticsSummary: true,
      networkEnableSocketStatisticsDetails: true,
      networkEnableSnmpStatistics: false,
      networkEnableRateStatistics: true,
      networkRateStatisticsWindow: 90,
      networkRateStatisticsInterval: 0.5,
    },
  )
  t.strictSame(optionsOf('--ingress_rate_limit_per_container=100MB'), {
    ingressRateLimitPerContainer: 104_857_600,
  })
  t.strictSame(
    optionsOf(
      '--egress_rate_limit_per_container=0B',
      '--ingress_rate_limit_per_container=1B',
      '--minimum_ingress_rate_limit=0B',
    ),
    { ingressRateLimitPerContainer: 1, minimumIngressRateLimit: 0 },
    'zero is no limit, and no minimum',
  )
})

t.test('forms of a flag', async t => {
  t.strictSame(optionsOf('--eth0_name', 'eth1'), { publicInterface: 'eth1' })
  t.strictSame(optionsOf(' --ETH0_NAME=eth1 '), { publicInterface: 'eth1' }, 'names in either case')
  for (const off of ['--no-', '--NO-'])
    t.strictSame(optionsOf(`${off}egress_unique_flow_per_container`), { egressUniqueFlowPerContainer: false })
  t.strictSame(optionsOf('--egress_unique_flow_per_container', 'false'), {
    egressUniqueFlowPerContainer: false,
  })
  const { options, rest } = parseMesosFlags([
    ...['mesos-agent', EPHEMERAL, '--egress_unique_flow_per_container', 'word', '--work_dir', '/tmp'],
    ...['--no-hostname_lookup', '--constructor=1', '--', '--eth0_name=eth1'],
  ])
  t.match(options, { egressUniqueFlowPerContainer: true })
  t.notOk('publicInterface' in options)
  t.strictSame(
    rest,
    [
      ...['mesos-agent', 'word', '--work_dir', '/tmp', '--no-hostname_lookup', '--constructor=1'],
      ...['--', '--eth0_name=eth1'],
    ],
    'what is not for the isolator stands as it was, and so does all behind --',
  )
})

t.test('forms of --resources', async t => {
  const json = JSON.stringify([
    { name: 'cpus', type: 'SCALAR', scalar: { value: 1.5 } },
    { name: 'cpus', type: 'SCALAR', scalar: { value: 2 }, role: 'web' },
    { name: 'devices', type: 'SET', set: { item: ['sda'] } },
    { name: 'ports', type: 'RANGES', ranges: { range: [{ begin: 31000, end: 31999 }] } },
    { name: 'ephemeral_ports', type: 'RANGES', ranges: { range: [{ begin: 32768, end: 57344 }] } },
  ])
  const texts = [
    'cpus(*):1.5;cpus(web):2;devices:{sda};ports(*):[31000-31999];ephemeral_ports(*):[32768-57344]',
    ' cpus : 3.5 ; ports(a): [31000-31499] ; ports (b) : [ 31500 - 31999 ];ephemeral_ports:[32768-40000,40001-57344];',
    json,
  ]
  for (const text of texts) {
    const { options, resources } = parseMesosFlags([`--resources=${text}`])
    t.equal(String(options.ports), '31000-31999', text)
    t.equal(String(options.ephemeralPorts), '32768-57344')
    t.strictSame(resources, { cpus: 3.5 })
    t.equal(options.cpus, 3, 'whole ones, as Mesos counts them')
  }
})

t.test('values from files and the environment', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'mesos-flags-'))
  t.teardown(() => {
    rmSync(folder, { recursive: true })
  })
  const file = join(folder, 'resources')
  writeFileSync(file, 'ephemeral_ports:[1024-2047]\n')
  t.equal(String(parseMesosFlags([`--resources=file://${file}`]).options.ephemeralPorts), '1024-2047')
  t.throws(() => parseMesosFlags([`--resources=file://${file}.gone`]), {
    code: 'ERR_INVALID_OPTION',
    message: /^--resources: .* cannot be read: ENOENT/,
  })
  const environment = {
    MESOS_RESOURCES: 'ephemeral_ports:[1024-2047]',
    MESOS_ETH0_NAME: 'eth1',
    MESOS_LO_NAME: 'lo1',
    MESOS_WORK_DIR: '/tmp',
  }
  const { options } = parseMesosFlags(['--lo_name=lo'], { environment })
  t.equal(String(options.ephemeralPorts), '1024-2047')
  t.match(options, { publicInterface: 'eth1', loopbackInterface: 'lo' })
})

const refused: Record<string, [argv: string[], flag: string, message: RegExp]> = {
  'no ephemeral ports': [[], '--resources', /expected such as ephemeral_ports:\[32768-57344\].*quote/],
  'what a shell leaves of resources': [
    ['--resources=ports:[31000-32000]'],
    '--resources',
    /no ephemeral_ports/,
  ],
  'ports as a number': [['--resources=ports:31000'], '--resources', /ports must be ranges of ports/],
  'ports that are none': [['--resources=ports:[31000-70000]'], '--resources ports', /not within 0 to 65535/],
  'resources without a colon': [['--resources=cpus'], '--resources', /'cpus' is not a resource: expected/],
  'a negative resource': [['--resources=cpus:-1'], '--resources', /cpus is '-1': expected a number/],
  'mismatched brackets': [['--resources=ports:[31000-32000'], '--resources', /expected a number, \[ranges\]/],
  'broken JSON': [['--resources=[{]'], '--resources', /begins like JSON and is none/],
  'JSON of another kind': [['--resources=[1]'], '--resources', /something else than objects/],
  'a JSON resource without a name': [['--resources=[{"type":"SET"}]'], '--resources', /has no name/],
  'a JSON resource of the wrong type': [
    ['--resources=[{"name":"cpus","type":"SCALAR","ranges":{}}]'],
    '--resources',
    /cpus does not hold what its type SCALAR says/,
  ],
  'a size without a unit': [
    [EPHEMERAL, '--egress_rate_limit_per_container=37500'],
    '--egress_rate_limit_per_container',
    /'37500' is not a size: expected .*37500KB/,
  ],
  'a rate that is neither': [
    [EPHEMERAL, '--ingress_rate_per_cpu=fast'],
    '--ingress_rate_per_cpu',
    /'fast' is not a size/,
  ],
  'a broken duration': [
    [EPHEMERAL, '--network_rate_statistics_window=60'],
    '--network_rate_statistics_window',
    /'60' is not a duration: expected one such as 60secs/,
  ],
  'an unknown unit of time': [
    [EPHEMERAL, '--network_rate_statistics_window=60constructor'],
    '--network_rate_statistics_window',
    /is not a duration/,
  ],
  'a broken number': [
    [EPHEMERAL, '--ephemeral_ports_per_container=1e3'],
    '--ephemeral_ports_per_container',
    /'1e3' is not a number/,
  ],
  'a broken boolean': [
    [EPHEMERAL, '--egress_unique_flow_per_container=yes'],
    '--egress_unique_flow_per_container',
    /'yes' is not a boolean: expected true or false/,
  ],
  'a missing value': [
    [EPHEMERAL, '--eth0_name'],
    '--eth0_name',
    /value is missing: expected --eth0_name=value/,
  ],
  'a missing value before a flag': [[EPHEMERAL, '--eth0_name', '--lo_name=lo'], '--eth0_name', /is missing/],
  'a negated value': [[EPHEMERAL, '--no-eth0_name'], '--eth0_name', /--no- is for booleans/],
  'a negated boolean with a value': [
    [EPHEMERAL, '--no-egress_unique_flow_per_container=true'],
    '--egress_unique_flow_per_container',
    /takes no value/,
  ],
  'a flag given twice': [[EPHEMERAL, '--eth0_name=a', '--eth0_name', 'b'], '--eth0_name', /given twice/],
  'what create() would refuse': [
    [EPHEMERAL, '--eth0_name=eth0:1'],
    '--eth0_name',
    /expected the name of an interface/,
  ],
}

for (const [what, [argv, option, message]] of Object.entries(refused))
  t.test(`${what} is refused`, async t => {
    t.throws(() => parseMesosFlags(argv), { code: 'ERR_INVALID_OPTION', message, details: { option } })
    t.throws(() => parseMesosFlags(argv), { message: new RegExp(`^--${option.slice(2).split(' ')[0]}`) })
  })
