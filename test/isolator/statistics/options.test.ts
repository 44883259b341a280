import t from 'tap'
import { parseOptions } from '../../../src/isolator/options/options.js'

const parsed = (options: Record<string, unknown>) =>
  parseOptions({ ephemeralPorts: '20480-28671', ...options }).statistics

const RATES = {
  networkEnableRateStatistics: true,
  networkRateStatisticsWindow: 5,
  networkRateStatisticsInterval: 0.05,
}

t.test('nothing beside the counters, unless asked for', async t => {
  const none = { socketSummary: false, socketDetails: false, snmp: false, rates: undefined }
  t.strictSame(parsed({}), none)
  t.strictSame(parsed({ networkEnableSnmpStatistics: true }), { ...none, snmp: true })
  t.strictSame(parsed({ networkEnableSocketStatisticsSummary: true }), { ...none, socketSummary: true })
  t.strictSame(parsed({ networkEnableSocketStatisticsDetails: true }), { ...none, socketDetails: true })
  t.strictSame(parsed(RATES), { ...none, rates: { window: 5, interval: 0.05 } })
})

const refused: Record<string, [options: Record<string, unknown>, option: string]> = {
  'a window without rates': [{ networkRateStatisticsWindow: 5 }, 'networkRateStatisticsWindow'],
  'an interval where rates are turned off': [
    { networkEnableRateStatistics: false, networkRateStatisticsInterval: 1 },
    'networkRateStatisticsInterval',
  ],
  'no window': [{ ...RATES, networkRateStatisticsWindow: undefined }, 'networkRateStatisticsWindow'],
  'no interval': [{ ...RATES, networkRateStatisticsInterval: undefined }, 'networkRateStatisticsInterval'],
  'a window as long as the interval': [
    { ...RATES, networkRateStatisticsWindow: 0.05 },
    'networkRateStatisticsWindow',
  ],
  'an interval below 20 ms': [
    { ...RATES, networkRateStatisticsInterval: 0.0199 },
    'networkRateStatisticsInterval',
  ],
  'a window that is no number': [{ networkRateStatisticsWindow: '5secs' }, 'networkRateStatisticsWindow'],
  'an interval that is no number': [{ networkRateStatisticsInterval: NaN }, 'networkRateStatisticsInterval'],
  'an interval longer than timers can be': [
    { networkRateStatisticsInterval: 2_147_484 },
    'networkRateStatisticsInterval',
  ],
  'a switch that is no boolean': [{ networkEnableSnmpStatistics: 1 }, 'networkEnableSnmpStatistics'],
}

for (const [what, [options, option]] of Object.entries(refused)) {
  t.test(`refused: ${what}`, async t => {
    t.throws(() => parsed(options), {
      code: 'ERR_INVALID_OPTION',
      details: { option },
      message: new RegExp(`^${option} is `),
    })
  })
}
