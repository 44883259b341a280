import { parseArgs } from 'node:util'

export const HELP = `rtnetlinkd: containers of this host that share its address, for CNI and by one isolator

Usage: rtnetlinkd [--config FILE] [--socket PATH] [--http PATH|ADDRESS:PORT] [--token-file FILE]
                  [--sweep SECONDS] [--log-level LEVEL]

  --config FILE       the network: a configuration (list) of CNI with a plug-in of the type rtnetlink-cni, or a JSON object of
                      the isolator's options. Default: the first such list in /etc/cni/net.d
  --socket PATH       where rtnetlink-cni calls. Default: /run/rtnetlink/cni.sock
  --http WHERE        /metrics, /monitor/statistics and /healthz: a unix socket, or ADDRESS:PORT with --token-file. Default: none
  --token-file FILE   requests by TCP show what it holds: Authorization: Bearer ...
  --sweep SECONDS     clean up containers that had a process and have had none for so long; 0: never. Default: 60
  --log-level LEVEL   trace, debug, info, warn, error, fatal or silent. Default: info
  --help

Sockets that systemd has opened (rtnetlinkd.socket) take the place of --socket and --http.

Example: rtnetlinkd --config /etc/cni/net.d/10-shared.conflist --http /run/rtnetlink/http.sock
         curl --unix-socket /run/rtnetlink/http.sock http://localhost/metrics
`

/** What the daemon is started with. */
export interface Settings {
  readonly config: string | undefined
  readonly socket: string
  readonly http: string | undefined
  readonly tokenFile: string | undefined
  /** Seconds; 0: never. */
  readonly sweep: number
  readonly logLevel: string
}

/** A command line that makes no sense. */
export class UsageError extends Error {}

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']

/** The longest that a timer of Node takes, seconds. */
const LONGEST = 2_147_483

/** @throws UsageError */
export function readCommandLine(args: readonly string[]): Settings | 'help' {
  const values = parsed(args)
  if (values.help) return 'help'
  const sweep = Number(values.sweep)
  if (!/^\d+(\.\d+)?$/.test(values.sweep) || sweep > LONGEST)
    throw new UsageError(`--sweep is '${values.sweep}': expected seconds, 0 to ${LONGEST}`)
  if (!LEVELS.includes(values['log-level']))
    throw new UsageError(`--log-level is '${values['log-level']}': expected one of ${LEVELS.join(', ')}`)
  return {
    config: values.config,
    socket: values.socket,
    http: values.http,
    tokenFile: values['token-file'],
    sweep,
    logLevel: values['log-level'],
  }
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        config: { type: 'string' },
        socket: { type: 'string', default: '/run/rtnetlink/cni.sock' },
        http: { type: 'string' },
        'token-file': { type: 'string' },
        sweep: { type: 'string', default: '60' },
        'log-level': { type: 'string', default: 'info' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }).values
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}
