/** The daemon: one isolator for all runtimes of a host. */
import { destination, pino } from 'pino'
import { activatedSockets } from '../daemon/activation.js'
import { HELP, readCommandLine, UsageError, type Settings } from '../daemon/command-line.js'
import { configuredOptions } from '../daemon/configured-options.js'
import { Daemon } from '../daemon/daemon.js'
import { ServiceManager } from '../daemon/service-manager.js'

async function main(args: readonly string[]): Promise<void> {
  const settings = readCommandLine(args)
  if (settings === 'help') console.log(HELP)
  else await run(settings)
}

async function run(settings: Settings): Promise<void> {
  const output = destination({ dest: 1, sync: true })
  // journald may be started anew: nobody reads then, and the daemon goes on.
  output.on('error', () => undefined)
  const log = pino({ level: settings.logLevel, base: null }, output)
  const manager = new ServiceManager(process.env, error => {
    log.warn({ reason: error.message }, 'sending to the service manager failed')
  })
  const { file, options } = configuredOptions(settings.config)
  const activated = activatedSockets(process.env)
  for (const name of ['LISTEN_PID', 'LISTEN_FDS', 'LISTEN_FDNAMES', 'NOTIFY_SOCKET'])
    Reflect.deleteProperty(process.env, name)
  log.info({ config: file }, 'starting')
  const daemon = new Daemon({ settings, options, activated, manager, log })
  process.on('SIGHUP', () => {
    log.info('SIGHUP: the configuration is read when rtnetlinkd starts; start it again, containers stay')
  })
  let stopping: Promise<void> | undefined
  const stop = (): Promise<void> => (stopping ??= daemon.stop())
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => {
      void stop()
    })
  try {
    await daemon.start()
  } catch (error) {
    await stop()
    throw error
  }
}

try {
  await main(process.argv.slice(2))
} catch (error) {
  console.error(`rtnetlinkd: ${(error as Error).message}`)
  process.exitCode = error instanceof UsageError ? 2 : 1
}
