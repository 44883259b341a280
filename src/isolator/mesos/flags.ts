import { list, object, optional, scalar, text, type InputOf } from '../../input/index.js'
import { IsolatorError } from '../isolator-error.js'
import { isolatorArgument } from '../options/declared.js'
import { parseOptions, type PortMappingIsolatorOptions } from '../options/options.js'
import type { PortRanges } from '../ports/port-ranges.js'
import { parseSize } from '../options/sizes.js'
import { readBoolean, refuseFlag, takeArguments, takeEnvironment, type FlagForm } from './arguments.js'
import { readDuration } from './durations.js'
import { readResources } from './resources.js'

type Options = PortMappingIsolatorOptions

/** What a Mesos agent's command line says of the port mapping isolator. */
export interface MesosFlags {
  /** For `PortMappingIsolator.create`; with Mesos's defaults where they are not the isolator's. */
  options: Options & { ephemeralPorts: PortRanges; ports?: PortRanges }
  /** The isolators of `--isolation`, such as `network/port_mapping`; empty where the flag is missing. */
  isolation: string[]
  /** The resources that are numbers, by name: `cpus`, `mem`, `disk` and others. */
  resources: Readonly<Record<string, number>>
  /** Every argument that is not about the isolator, as it stands and in order: for the caller's own parser. */
  rest: string[]
}

/** How one flag becomes one option. */
interface Flag {
  readonly option: keyof Options
  readonly form: FlagForm
  readonly read: (text: string, flag: string) => unknown
}

const flag = <Option extends keyof Options>(
  option: Option,
  read: (text: string, flag: string) => Options[Option],
  form: FlagForm = 'value',
): Flag => ({ option, read, form })

const size = (text: string, flag: string): number => parseSize(text, `--${flag}`)

/** Zero is no limit, says the flag's help. */
const limit = (text: string, flag: string): number | undefined => size(text, flag) || undefined

const sizeOrAuto = (text: string, flag: string): number | 'auto' =>
  text === 'auto' ? 'auto' : size(text, flag)

const word = (text: string): string => text

/** Every flag that port_mapping.cpp reads, but for `--resources`, by its Mesos name. */
const FLAGS: Readonly<Record<string, Flag>> = {
  eth0_name: flag('publicInterface', word),
  lo_name: flag('loopbackInterface', word),
  ephemeral_ports_per_container: flag('ephemeralPortsPerContainer', readCount),
  egress_rate_limit_per_container: flag('egressRateLimitPerContainer', limit),
  egress_rate_per_cpu: flag('egressRatePerCpu', sizeOrAuto),
  minimum_egress_rate_limit: flag('minimumEgressRateLimit', size),
  maximum_egress_rate_limit: flag('maximumEgressRateLimit', size),
  egress_ceil_limit: flag('egressCeilLimit', size),
  egress_burst: flag('egressBurst', size),
  egress_unique_flow_per_container: flag('egressUniqueFlowPerContainer', readBoolean, 'boolean'),
  egress_flow_classifier_parent: flag('egressFlowClassifierParent', word),
  ingress_rate_limit_per_container: flag('ingressRateLimitPerContainer', limit),
  ingress_rate_per_cpu: flag('ingressRatePerCpu', sizeOrAuto),
  minimum_ingress_rate_limit: flag('minimumIngressRateLimit', size),
  maximum_ingress_rate_limit: flag('maximumIngressRateLimit', size),
  ingress_ceil_limit: flag('ingressCeilLimit', size),
  ingress_burst: flag('ingressBurst', size),
  ingress_isolate_existing_containers: flag('ingressIsolateExistingContainers', readBoolean, 'boolean'),
  network_link_speed: flag('networkLinkSpeed', size),
  network_enable_socket_statistics_summary: flag(
    'networkEnableSocketStatisticsSummary',
    readBoolean,
    'boolean',
  ),
  network_enable_socket_statistics_details: flag(
    'networkEnableSocketStatisticsDetails',
    readBoolean,
    'boolean',
  ),
  network_enable_snmp_statistics: flag('networkEnableSnmpStatistics', readBoolean, 'boolean'),
  network_enable_rate_statistics: flag('networkEnableRateStatistics', readBoolean, 'boolean'),
  network_rate_statistics_window: flag('networkRateStatisticsWindow', readDuration),
  network_rate_statistics_interval: flag('networkRateStatisticsInterval', readDuration),
}

const FORMS: ReadonlyMap<string, FlagForm> = new Map([
  ['isolation', 'value'],
  ['resources', 'value'],
  ...Object.entries(FLAGS).map(([name, { form }]): [string, FlagForm] => [name, form]),
])

const flagsOptions = object({
  /** Where flags may stand as well, as `MESOS_ETH0_NAME=eth1`; the command line comes first. Default: none. */
  environment: optional(
    scalar<Readonly<Record<string, string | undefined>>>('an object such as process.env', isObject),
  ),
})

/** What `parseMesosFlags` takes beside the arguments. */
export interface MesosFlagsOptions extends InputOf<typeof flagsOptions> {}

const checkArguments: (argv: unknown) => void = isolatorArgument(
  'parseMesosFlags',
  'argv',
  list(text(), 'a list of arguments such as process.argv.slice(2)'),
)
const checkOptions: (options: unknown) => void = isolatorArgument('parseMesosFlags', 'options', flagsOptions)

/**
 * Reads a Mesos agent's command line: the flags of its port mapping isolator and the ports among its `--resources`.
 *
 * Sizes are Mesos's: `37500KB` is 38,400,000 bytes. Whether the options fit together is checked as `create` does it;
 * whether they fit the host, `create` finds out.
 *
 * @param argv the arguments, without the programs: `process.argv.slice(2)`
 * @throws IsolatorError ERR_INVALID_OPTION, which names the flag and says what was expected
 *
 * @example
 * const { options, isolation, rest } = parseMesosFlags(process.argv.slice(2), { environment: process.env })
 * const isolator = await PortMappingIsolator.create(options)
 */
export function parseMesosFlags(argv: readonly string[], options: MesosFlagsOptions = {}): MesosFlags {
  checkArguments(argv)
  checkOptions(options)
  const { environment = {} } = options
  const { values, rest } = takeArguments(argv, name => FORMS.get(name))
  const given = new Map([...takeEnvironment(environment, [...FORMS.keys()]), ...values])
  const { ports, ephemeralPorts, scalars } = readResources(given.get('resources') ?? '')
  if (ephemeralPorts.size === 0) throw noEphemeralPorts(given.get('resources'))
  const cpus = Math.floor(scalars['cpus'] ?? 0)
  const found = {
    ephemeralPorts,
    ...(ports.size > 0 && { ports }),
    ...(cpus > 0 && { cpus }),
    ...optionsOf(given),
  }
  check(found)
  return { options: found, isolation: listOf(given.get('isolation')), resources: scalars, rest }
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null
}

/** All but the ports. */
const optionsOf = (given: ReadonlyMap<string, string>): Omit<Options, 'ports' | 'ephemeralPorts'> =>
  Object.fromEntries(
    Object.entries(FLAGS).flatMap(([name, { option, read }]) => {
      const text = given.get(name)
      const value = text === undefined ? undefined : read(text, name)
      return value === undefined ? [] : [[option, value]]
    }),
  )

/** The isolator's own checks, told in terms of flags. */
function check(options: Options): void {
  try {
    parseOptions(options)
  } catch (error) {
    if (!(error instanceof IsolatorError)) throw error
    const { option, value } = error.details
    const name = Object.keys(FLAGS).find(name => FLAGS[name]?.option === option)
    throw refuseFlag(name ?? 'resources', value, error.message, error)
  }
}

const noEphemeralPorts = (resources: string | undefined): IsolatorError =>
  refuseFlag(
    'resources',
    resources,
    'there is no ephemeral_ports in it: expected such as ephemeral_ports:[32768-57344]' +
      ' (a shell ends a command at ";": quote the whole argument)',
  )

function readCount(text: string, flag: string): number {
  if (!/^\d+$/.test(text))
    throw refuseFlag(flag, text, `'${text}' is not a number: expected one such as 1024`)
  return Number(text)
}

const listOf = (text = ''): string[] => text.split(',').filter(name => name !== '')
