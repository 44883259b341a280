/*
 * The public surface.
 */

// Sockets
export { RtnetlinkSocket, type RtnetlinkSocketOptions } from './rtnetlink-socket.js'
export { RtnetlinkSocketSync } from './rtnetlink-socket-sync.js'
export type { RtnetlinkBatch } from './rtnetlink-batch.js'
export type {
  MonitorOptions,
  RtnetlinkChange,
  RtnetlinkEvent,
  RtnetlinkMonitor,
} from './rtnetlink-monitor.js'
export { jsonReplacer, jsonReviver } from './rtnetlink-json.js'
export type { ListedObject, Restored } from './rtnetlink-restore.js'
export type { RtnetlinkSnapshot, TableName } from './rtnetlink-snapshot.js'
export type { CallOptionsOf, DumpOptionsOf, Mode } from './rtnetlink-verb-options.js'
export type { Outcome, Verbs, WriteVerb } from './rtnetlink-verbs.js'
export { rtnetlinkProtocol } from './rtnetlink-protocol.js'

// Raw netlink
export { binding, type NativeBinding } from './native/binding.js'
export { peerCredentials, type PeerCredentials } from './native/peer-credentials.js'
export { SystemError } from './native/system-error.js'
export { NetlinkSocket } from './netlink/socket.js'
export type {
  BatchOptions,
  BatchOptionsSync,
  CallOptions,
  DumpOptions,
  DumpOptionsSync,
} from './netlink/call-options.js'
export { NetlinkSocketSync } from './netlink/socket-sync.js'
export { NetlinkSubscription, type Notification } from './netlink/subscription.js'
export type { BatchResult } from './netlink/exchange.js'
export { Message, type Request } from './netlink/message.js'
export {
  messageBody,
  messagesByType,
  type DeviceNames,
  type MessageType,
  type Protocol,
} from './netlink/message-type.js'
export { NoSuchDeviceError, type Device } from './netlink/devices.js'
export type { ObjectType, Verb } from './netlink/object-type.js'
export type { Transport } from './netlink/transport.js'
export type { TracedMessage } from './netlink/trace.js'
export {
  DecodeError,
  DumpInterruptedError,
  DumpTooLargeError,
  NetlinkClosedError,
  NetlinkError,
  NetlinkOverrunError,
  NetlinkTruncatedError,
} from './netlink/errors.js'
export * as codec from './netlink/codec/index.js'

// Declarations of what is taken from outside
export * as input from './input/index.js'

// Families
export * from './rtnetlink/index.js'
export * from './tc/index.js'
export * from './sock-diag/index.js'

// Namespaces
export { NetworkNamespace, type NetnsReference } from './netns/network-namespace.js'
export type { InetSocketOptions } from './netns/inet-socket.js'

// The isolator
export { PortMappingIsolator } from './isolator/port-mapping-isolator.js'
export { containerInterfaceName, interfaceName } from './isolator/options/declared.js'
export { differingOptions } from './isolator/options/differing.js'
export {
  isolatorOptions,
  type ContainerOptions,
  type IsolateOptions,
  type PortMappingIsolatorOptions,
  type UpdateOptions,
} from './isolator/options/options.js'
export type {
  InspectOptions,
  ProbeOptions,
  RecoverOptions,
  RemoveOptions,
  WatchOptions,
} from './isolator/options/arguments.js'
export type { ContainerInfo } from './isolator/container/info.js'
export type { ContainerProcesses } from './isolator/kernel/processes.js'
export type { HostInfo, HostIpv6 } from './isolator/host/info.js'
export type { Difference } from './isolator/health/difference.js'
export type { Gone, HostSocket, IsolatorEvents } from './isolator/health/isolator-events.js'
export type {
  InspectedContainer,
  InspectedIpv6,
  InspectedSettings,
  Inspection,
} from './isolator/inspection/inspection.js'
export type { Recovery } from './isolator/recovery/recover.js'
export type { Removal } from './isolator/removal/removal.js'
export type { Repair } from './isolator/health/repair.js'
export { IsolatorError, type IsolatorErrorCode } from './isolator/isolator-error.js'
export type { FeatureName, KernelFeature, KernelFeatures } from './isolator/kernel/probe.js'
export type {
  RatePercentiles,
  RateStatistics,
  ResourceStatistics,
  SnmpCounters,
  SnmpStatistics,
  TrafficControlStatistics,
} from './isolator/statistics/resource-statistics.js'
export type { NetworkStatisticsOptions } from './isolator/options/statistics-options.js'
export { PortRanges, type PortRange, type PortRangesInput } from './isolator/ports/port-ranges.js'
export { formatSize, parseSize, type SizeInput } from './isolator/options/sizes.js'
export { parseMesosFlags, type MesosFlags, type MesosFlagsOptions } from './isolator/mesos/flags.js'
export {
  createStatisticsHandler,
  type ExecutorDescription,
  type StatisticsEntry,
  type StatisticsHandler,
  type StatisticsHandlerOptions,
  type StatisticsSource,
} from './isolator/http/statistics-handler.js'
