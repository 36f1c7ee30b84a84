import type { Log } from '#shared/telemetry/access-log.ts'
import type { AmbassadorMetrics } from '../../telemetry/metrics.ts'
import type { AdmissionMeter } from './pool-admission.ts'

interface MeterParts {
  readonly provider: string
  readonly metrics: Pick<AmbassadorMetrics, 'poolRefused' | 'poolForecast'>
  readonly log: Pick<Log, 'warn'>
}

/** Writes what is refused and how forecasts err to the metrics, and who is left out to the log. */
export function admissionMeter({ provider, metrics, log }: MeterParts): AdmissionMeter {
  return {
    refused: (reason, name) => metrics.poolRefused.add(1, [provider, name, reason]),
    forecast: (kind, ratio) => metrics.poolForecast.observe(ratio, [provider, kind]),
    leftOut(replica, why) {
      if (why === undefined) log.warn({ replica }, 'replica is heard again')
      else log.warn({ replica, why }, 'replica is given no calls')
    },
  }
}
