import { defineMetrics, type Handles, type MetricTable } from '#shared/telemetry/metrics.ts'
import { collectProcess, processTable } from '#shared/telemetry/process-metrics.ts'

/**
 * Seconds. Doubling from 10 ms as the GenAI conventions have it, so that both halves' histograms
 * line up; the last three bounds are ours, since a long stream outlasts 81.92 s.
 */
const secondsBuckets = [
  0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92, 163.84,
  327.68, 655.36,
] as const

/**
 * Everything a sidecar counts. No `gen_ai_*` here: ambassadors emit those, and a sum over both
 * halves would count each call twice.
 */
export const sidecarTable = {
  calls: {
    name: 'outrigger_sidecar_calls_total',
    help: 'Calls of the application, counted when they end.',
    type: 'counter',
    labels: ['surface', 'model', 'provider', 'outcome'],
  },
  callDuration: {
    name: 'outrigger_sidecar_call_duration_seconds',
    help: 'From the head of the question to the last byte of the answer.',
    type: 'histogram',
    labels: ['surface', 'model', 'provider', 'outcome'],
    buckets: secondsBuckets,
    unit: 'seconds',
  },
  timeToFirstByte: {
    name: 'outrigger_sidecar_time_to_first_byte_seconds',
    help: 'From the head of the question to the first byte of the answer.',
    type: 'histogram',
    labels: ['surface', 'model', 'provider'],
    buckets: secondsBuckets,
    unit: 'seconds',
  },
  callsInFlight: {
    name: 'outrigger_sidecar_calls_in_flight',
    help: 'Calls that have begun and whose answer has not ended.',
    type: 'gauge',
    labels: [],
  },
  bodyBytesHeld: {
    name: 'outrigger_sidecar_body_bytes_held',
    help: 'Bytes of questions held in memory.',
    type: 'gauge',
    labels: [],
  },
  errors: {
    name: 'outrigger_sidecar_errors_total',
    help: 'Errors by their code in the table of errors.',
    type: 'counter',
    labels: ['code'],
  },
  fallbacks: {
    name: 'outrigger_sidecar_fallbacks_total',
    help: 'Calls handed on to their next target, by the one that did not serve and why.',
    type: 'counter',
    labels: ['model', 'provider', 'reason'],
  },
  targetsPassedOver: {
    name: 'outrigger_sidecar_targets_passed_over',
    help: '1 for each target that calls pass over unasked: its ambassador said until when, or is not there.',
    type: 'gauge',
    labels: ['provider', 'model'],
  },
  addresses: {
    name: 'outrigger_sidecar_addresses',
    help: 'Servers of each ambassador that this pod knows, by state (used, aside).',
    type: 'gauge',
    labels: ['provider', 'state'],
  },
  tokens: {
    name: 'outrigger_sidecar_tokens_total',
    help: 'Tokens as the ambassador settled them.',
    type: 'counter',
    labels: ['model', 'type'],
  },
  countedTokens: {
    name: 'outrigger_sidecar_counted_tokens_total',
    help: 'Input tokens as counted before the call left, by exactness (exact, formula, estimate).',
    type: 'counter',
    labels: ['model', 'exactness'],
  },
  configGeneration: {
    name: 'outrigger_sidecar_config_generation',
    help: 'Number of the configuration in force; 0 before the first valid one.',
    type: 'gauge',
    labels: [],
  },
  configLastReloadSuccessful: {
    name: 'outrigger_sidecar_config_last_reload_successful',
    help: '1 where the last file read was valid, 0 where an older one is in force.',
    type: 'gauge',
    labels: [],
  },
  configReloads: {
    name: 'outrigger_sidecar_config_reloads_total',
    help: 'Configuration files read, by result.',
    type: 'counter',
    labels: ['result'],
  },
  tokenExpires: {
    name: 'outrigger_sidecar_token_expires_seconds',
    help: 'Until the token of the pod expires; 0 once it has. Below a tenth of its life it was not renewed.',
    type: 'gauge',
    labels: [],
    unit: 'seconds',
  },
  tracesDropped: {
    name: 'outrigger_sidecar_traces_dropped_total',
    help: 'Spans that reached no collector, by reason.',
    type: 'counter',
    labels: ['reason'],
  },
  metricPushesFailed: {
    name: 'outrigger_sidecar_metric_pushes_failed_total',
    help: 'Pushes of metrics by OTLP that reached no collector, by reason; the next makes up for one.',
    type: 'counter',
    labels: ['reason'],
  },
  ...processTable,
} as const satisfies MetricTable

export type SidecarMetrics = Handles<typeof sidecarTable>

/** A registry of its own for each process; tests run several in one. */
export function sidecarMetrics() {
  const registry = defineMetrics(sidecarTable)
  collectProcess(registry.metrics)
  return registry
}
