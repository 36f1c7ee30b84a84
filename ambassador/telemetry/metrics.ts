import { defineMetrics, type Handles, type MetricTable } from '#shared/telemetry/metrics.ts'
import { collectProcess, processTable } from '#shared/telemetry/process-metrics.ts'

/**
 * Seconds. The GenAI conventions' bounds (v1.41.1); the last three are ours, since a long stream
 * outlasts 81.92 s.
 */
const secondsBuckets = [
  0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92, 163.84,
  327.68, 655.36,
] as const

/** Tokens. The GenAI conventions' bounds (v1.41.1): powers of four. */
const tokenBuckets = [
  1, 4, 16, 64, 256, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216,
  67_108_864,
] as const

/** The conventions' metrics, read by dashboards made for any GenAI client. */
const genAiTable = {
  genAiTokenUsage: {
    name: 'gen_ai_client_token_usage',
    otel: { name: 'gen_ai.client.token.usage', unit: '{token}' },
    help: 'Tokens of one call, by type (input, output).',
    type: 'histogram',
    labels: [
      'gen_ai_operation_name',
      'gen_ai_provider_name',
      'gen_ai_request_model',
      'gen_ai_token_type',
    ],
    buckets: tokenBuckets,
  },
  genAiOperationDuration: {
    name: 'gen_ai_client_operation_duration_seconds',
    otel: { name: 'gen_ai.client.operation.duration', unit: 's' },
    help: 'Duration of one call at its provider; error_type is empty where it succeeded.',
    type: 'histogram',
    labels: ['gen_ai_operation_name', 'gen_ai_provider_name', 'gen_ai_request_model', 'error_type'],
    buckets: secondsBuckets,
    unit: 'seconds',
  },
  genAiTimeToFirstChunk: {
    name: 'gen_ai_client_operation_time_to_first_chunk_seconds',
    otel: { name: 'gen_ai.client.operation.time_to_first_chunk', unit: 's' },
    help: 'From the question to the first content of a streamed answer.',
    type: 'histogram',
    labels: ['gen_ai_operation_name', 'gen_ai_provider_name', 'gen_ai_request_model'],
    buckets: secondsBuckets,
    unit: 'seconds',
  },
} as const satisfies MetricTable

/** Calls that are held wait from a few milliseconds up to their patience. */
const heldBuckets = [0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120] as const

/** Half and double are what a forecast should stay within. */
const ratioBuckets = [0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 4, 8, 16] as const

const poolTable = {
  poolWaiting: {
    name: 'outrigger_pool_waiting',
    help: 'Calls that wait for a replica with room.',
    type: 'gauge',
    labels: ['provider', 'class'],
  },
  poolHeld: {
    name: 'outrigger_pool_held_seconds',
    help: 'From the question to its replica, of each attempt: 0 where one had room at once.',
    type: 'histogram',
    labels: ['provider'],
    buckets: heldBuckets,
    unit: 'seconds',
  },
  poolPlaced: {
    name: 'outrigger_pool_placed_total',
    help: 'Attempts that were given a replica, by what was known: full, bytes, blind, hash.',
    type: 'counter',
    labels: ['provider', 'tier'],
  },
  poolRefused: {
    name: 'outrigger_pool_refused_total',
    help: 'Calls that were not given a replica, by why: ttft, patience, room.',
    type: 'counter',
    labels: ['provider', 'class', 'reason'],
  },
  poolForecast: {
    name: 'outrigger_pool_forecast_ratio',
    help: 'Time to the first token by its forecast: of calls sent at once, and of those held.',
    type: 'histogram',
    labels: ['provider', 'kind'],
    buckets: ratioBuckets,
  },
  poolCachedTokens: {
    name: 'outrigger_pool_cached_tokens_total',
    help: 'Prompt tokens that replicas had cached: predicted when calls were sent, reported in answers.',
    type: 'counter',
    labels: ['provider', 'kind'],
  },
  poolReplicaKvUsage: {
    name: 'outrigger_pool_replica_kv_usage_ratio',
    help: 'Part of its KV cache that the replica says is in use.',
    type: 'gauge',
    labels: ['provider', 'replica'],
  },
  poolReplicaQueuedTokens: {
    name: 'outrigger_pool_replica_queued_tokens',
    help: 'Prompt tokens sent to the replica that it has yet to compute.',
    type: 'gauge',
    labels: ['provider', 'replica'],
  },
} as const satisfies MetricTable

const fleetTable = {
  fleetPods: {
    name: 'outrigger_ambassador_fleet_pods',
    help: 'Pods heard of in the last five minutes, by the configuration and version of their sidecar.',
    type: 'gauge',
    labels: ['hash', 'version'],
  },
} as const satisfies MetricTable

const configTable = {
  configGeneration: {
    name: 'outrigger_ambassador_config_generation',
    help: 'Number of the configuration in force; 0 before the first valid one.',
    type: 'gauge',
    labels: [],
  },
  configLastReloadSuccessful: {
    name: 'outrigger_ambassador_config_last_reload_successful',
    help: '1 where the last file read was valid, 0 where an older one is in force.',
    type: 'gauge',
    labels: [],
  },
  configReloads: {
    name: 'outrigger_ambassador_config_reloads_total',
    help: 'Configuration files read, by result.',
    type: 'counter',
    labels: ['result'],
  },
} as const satisfies MetricTable

/** Everything an ambassador counts. */
export const ambassadorTable = {
  ...genAiTable,
  calls: {
    name: 'outrigger_ambassador_calls_total',
    help: 'Calls, counted when their answer ends.',
    type: 'counter',
    labels: ['tenant', 'class', 'model', 'provider', 'outcome'],
  },
  tokens: {
    name: 'outrigger_ambassador_tokens_total',
    help: 'Settled tokens by type (input, cached, cache_write, output, reasoning) and exactness.',
    type: 'counter',
    labels: ['tenant', 'class', 'model', 'provider', 'type', 'exactness'],
  },
  cost: {
    name: 'outrigger_ambassador_cost_usd_total',
    help: 'Cost of settled calls in US dollars, by exactness; unknown costs are not in it.',
    type: 'counter',
    labels: ['tenant', 'class', 'model', 'provider', 'exactness'],
  },
  costUnknown: {
    name: 'outrigger_ambassador_cost_unknown_total',
    help: 'Settled calls whose cost is not known, by reason.',
    type: 'counter',
    labels: ['model', 'provider', 'reason'],
  },
  limitUsed: {
    name: 'outrigger_tenant_limit_used',
    help: 'What a tenant has used of a limit, reservations included, in the unit of the limit.',
    type: 'gauge',
    labels: ['tenant', 'limit', 'model'],
  },
  limitAllowed: {
    name: 'outrigger_tenant_limit_allowed',
    help: 'How much the limit allows.',
    type: 'gauge',
    labels: ['tenant', 'limit', 'model'],
  },
  tenantCallsInFlight: {
    name: 'outrigger_tenant_calls_in_flight',
    help: 'Calls of a tenant that were let in and have not ended.',
    type: 'gauge',
    labels: ['tenant'],
  },
  attempts: {
    name: 'outrigger_ambassador_attempts_total',
    help: 'Attempts at a provider, by the credential they were made with and by result.',
    type: 'counter',
    labels: ['provider', 'credential', 'result'],
  },
  givenUp: {
    name: 'outrigger_ambassador_given_up_total',
    help: 'Calls that failed, by why they were not tried again: outcome, ceiling, time, budget, no-credential.',
    type: 'counter',
    labels: ['provider', 'why'],
  },
  breakerState: {
    name: 'outrigger_ambassador_breaker_state',
    help: '0 where calls flow, 1 where a probe is let through, 2 where they are refused.',
    type: 'gauge',
    labels: ['provider', 'credential', 'model'],
  },
  breakerChanges: {
    name: 'outrigger_ambassador_breaker_changes_total',
    help: 'Changes of a breaker, by its new state and the cause.',
    type: 'counter',
    labels: ['provider', 'credential', 'model', 'state', 'cause'],
  },
  providerReachable: {
    name: 'outrigger_ambassador_provider_reachable',
    help: '1 where the provider answers a question for its models, 0 where it does not.',
    type: 'gauge',
    labels: ['provider'],
  },
  providerLimit: {
    name: 'outrigger_ambassador_provider_limit',
    help: 'What the provider allows a credential, as configured or learned.',
    type: 'gauge',
    labels: ['provider', 'credential', 'family', 'dimension'],
  },
  providerUsed: {
    name: 'outrigger_ambassador_provider_used',
    help: 'What of it is used or reserved.',
    type: 'gauge',
    labels: ['provider', 'credential', 'family', 'dimension'],
  },
  callsWaiting: {
    name: 'outrigger_ambassador_calls_waiting',
    help: 'Calls that wait for room under the provider’s limits.',
    type: 'gauge',
    labels: ['provider', 'class'],
  },
  callsInFlight: {
    name: 'outrigger_ambassador_calls_in_flight',
    help: 'Calls that have begun and whose answer has not ended.',
    type: 'gauge',
    labels: ['provider'],
  },
  replicaHealthy: {
    name: 'outrigger_ambassador_replica_healthy',
    help: '1 where the replica takes calls, 0 where it is left out.',
    type: 'gauge',
    labels: ['provider', 'replica'],
  },
  replicaCallsInFlight: {
    name: 'outrigger_ambassador_replica_calls_in_flight',
    help: 'Attempts at this replica whose answer has not ended.',
    type: 'gauge',
    labels: ['provider', 'replica'],
  },
  errors: {
    name: 'outrigger_ambassador_errors_total',
    help: 'Errors by their code in the table of errors.',
    type: 'counter',
    labels: ['code'],
  },
  bodyBytesHeld: {
    name: 'outrigger_ambassador_body_bytes_held',
    help: 'Bytes of questions and of uncommitted answers held in memory.',
    type: 'gauge',
    labels: [],
  },
  ...configTable,
  ...fleetTable,
  ...poolTable,
  tracesDropped: {
    name: 'outrigger_ambassador_traces_dropped_total',
    help: 'Spans that reached no collector, by reason.',
    type: 'counter',
    labels: ['reason'],
  },
  metricPushesFailed: {
    name: 'outrigger_ambassador_metric_pushes_failed_total',
    help: 'Pushes of metrics by OTLP that reached no collector, by reason; the next makes up for one.',
    type: 'counter',
    labels: ['reason'],
  },
  ...processTable,
} as const satisfies MetricTable

export type AmbassadorMetrics = Handles<typeof ambassadorTable>

/** A registry of its own for each process; tests run several in one. */
export function ambassadorMetrics() {
  const registry = defineMetrics(ambassadorTable)
  collectProcess(registry.metrics)
  return registry
}
