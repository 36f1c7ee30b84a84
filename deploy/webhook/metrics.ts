import { defineMetrics, type Handles, type MetricTable } from '#shared/telemetry/metrics.ts'
import { collectProcess, processTable } from '#shared/telemetry/process-metrics.ts'

/** What the webhook tells of itself, besides its process. */
export const webhookTable = {
  injections: {
    name: 'outrigger_webhook_injections_total',
    help: 'Pods by result (injected, skipped, refused) and reason.',
    type: 'counter',
    labels: ['result', 'reason'],
  },
  configurations: {
    name: 'outrigger_webhook_configurations_total',
    help: 'ConfigMaps by result (allowed, refused).',
    type: 'counter',
    labels: ['result'],
  },
  seconds: {
    name: 'outrigger_webhook_review_duration_seconds',
    help: 'From the end of a question to its answer, by path.',
    type: 'histogram',
    labels: ['path'],
    buckets: [0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1],
    unit: 'seconds',
  },
  eventsDropped: {
    name: 'outrigger_webhook_events_dropped_total',
    help: 'Events that were not written: over the rate, too many at once, or the API server refused.',
    type: 'counter',
    labels: [],
  },
  certificateEnd: {
    name: 'outrigger_webhook_certificate_expiry_timestamp_seconds',
    help: 'When the certificate that is served ends, in seconds since 1970.',
    type: 'gauge',
    labels: [],
  },
} as const satisfies MetricTable

export type WebhookMetrics = Handles<typeof webhookTable>

/** Makes the webhook's metrics, with those of its process. */
export function webhookMetrics() {
  const registry = defineMetrics({ ...webhookTable, ...processTable })
  collectProcess(registry.metrics)
  return registry
}
