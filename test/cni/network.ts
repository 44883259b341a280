/** The network of these tests: its ports are off the range that a new namespace allocates its ephemeral ports from, 32768 to 60999. */
export const NETWORK = {
  cniVersion: '1.1.0',
  name: 'shared',
  type: 'rtnetlink-cni',
  publicInterface: 'eth0',
  ports: '31000-31999',
  ephemeralPorts: '20480-28671',
  ephemeralPortsPerContainer: 64,
  capabilities: { portMappings: true },
} as const
