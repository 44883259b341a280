import { deviceWord } from '../../netlink/device-word.js'
import type { FeatureOff, Sysctl } from './facts.js'

/** `/proc/sys` as `sysctl` takes it; the optional ones may be missing in a kernel or namespace. */
export const sysctlLine = ({ name, value, optional }: Sysctl): string =>
  `sysctl ${optional ? '-e ' : ''}-qw ${name}='${value}'`

/** `ethtool` as it turns a feature off, or has it on. */
export const featureLine = ({ dev, feature }: FeatureOff, state: 'on' | 'off'): string =>
  `ethtool -K ${deviceWord(dev)} ${feature} ${state}`
