/** One query of a panel, and what its lines are called. */
type Query = readonly [expression: string, legend: string]

interface Panel {
  readonly title: string
  /** Of Grafana: `reqps`, `s`, `short`, `currencyUSD`, `d`. */
  readonly unit: string
  readonly queries: readonly Query[]
}

const provider = 'provider=~"$provider"'
const rate = '[$__rate_interval]'

const quantile = (share: number, name: string, by: string) =>
  `histogram_quantile(${share}, sum by (le, ${by}) (rate(${name}_bucket${rate})))`

/** Rows of two panels, in the order in which somebody looks for the reason of a page. */
const panels: readonly Panel[] = [
  {
    title: 'Calls by provider and outcome',
    unit: 'reqps',
    queries: [
      [
        `sum by (provider, outcome) (rate(outrigger_ambassador_calls_total{${provider}}${rate}))`,
        '{{provider}} {{outcome}}',
      ],
    ],
  },
  {
    title: 'Calls in flight',
    unit: 'short',
    queries: [
      [`sum by (provider) (outrigger_ambassador_calls_in_flight{${provider}})`, '{{provider}}'],
      ['sum(outrigger_sidecar_calls_in_flight)', 'all sidecars'],
    ],
  },
  {
    title: 'Duration of calls at the provider',
    unit: 's',
    queries: [
      [
        quantile(0.5, 'gen_ai_client_operation_duration_seconds', 'gen_ai_request_model'),
        'p50 {{gen_ai_request_model}}',
      ],
      [
        quantile(0.99, 'gen_ai_client_operation_duration_seconds', 'gen_ai_request_model'),
        'p99 {{gen_ai_request_model}}',
      ],
    ],
  },
  {
    title: 'Time to the first content of streams',
    unit: 's',
    queries: [
      [
        quantile(
          0.5,
          'gen_ai_client_operation_time_to_first_chunk_seconds',
          'gen_ai_request_model',
        ),
        'p50 {{gen_ai_request_model}}',
      ],
      [
        quantile(
          0.99,
          'gen_ai_client_operation_time_to_first_chunk_seconds',
          'gen_ai_request_model',
        ),
        'p99 {{gen_ai_request_model}}',
      ],
    ],
  },
  {
    title: 'Duration as applications see it',
    unit: 's',
    queries: [
      [quantile(0.5, 'outrigger_sidecar_call_duration_seconds', 'model'), 'p50 {{model}}'],
      [quantile(0.99, 'outrigger_sidecar_call_duration_seconds', 'model'), 'p99 {{model}}'],
    ],
  },
  {
    title: 'Fallbacks to the next target',
    unit: 'reqps',
    queries: [
      [
        `sum by (provider, reason) (rate(outrigger_sidecar_fallbacks_total{${provider}}${rate}))`,
        '{{provider}} {{reason}}',
      ],
    ],
  },
  {
    title: 'Tokens by tenant and type',
    unit: 'short',
    queries: [
      [
        `sum by (tenant, type) (rate(outrigger_ambassador_tokens_total{${provider},tenant=~"$tenant"}${rate}))`,
        '{{tenant}} {{type}}',
      ],
    ],
  },
  {
    title: 'Cost an hour by tenant',
    unit: 'currencyUSD',
    queries: [
      [
        `sum by (tenant) (rate(outrigger_ambassador_cost_usd_total{${provider},tenant=~"$tenant"}${rate})) * 3600`,
        '{{tenant}}',
      ],
      [
        `sum by (reason) (rate(outrigger_ambassador_cost_unknown_total{${provider}}${rate}))`,
        'calls/s of unknown cost: {{reason}}',
      ],
    ],
  },
  {
    title: 'Limits of tenants, share used',
    unit: 'percentunit',
    queries: [
      [
        'max by (tenant, limit, model) (outrigger_tenant_limit_used{tenant=~"$tenant"} / outrigger_tenant_limit_allowed{tenant=~"$tenant"})',
        '{{tenant}} {{limit}} {{model}}',
      ],
    ],
  },
  {
    title: 'Limits of providers, share used',
    unit: 'percentunit',
    queries: [
      [
        `max by (provider, credential, family, dimension) (outrigger_ambassador_provider_used{${provider}} / outrigger_ambassador_provider_limit{${provider}})`,
        '{{provider}} {{credential}} {{family}} {{dimension}}',
      ],
    ],
  },
  {
    title: 'Refused for limits, and calls that wait',
    unit: 'short',
    queries: [
      [
        `sum by (code) (rate(outrigger_ambassador_errors_total{code=~"rate-limited|tenant-limit|tenant-concurrency"}${rate}))`,
        '{{code}} a second',
      ],
      [
        `sum by (provider, class) (outrigger_ambassador_calls_waiting{${provider}})`,
        'waiting {{provider}} {{class}}',
      ],
    ],
  },
  {
    title: 'Attempts at providers',
    unit: 'reqps',
    queries: [
      [
        `sum by (provider, result) (rate(outrigger_ambassador_attempts_total{${provider}}${rate}))`,
        '{{provider}} {{result}}',
      ],
      [
        `sum by (provider, why) (rate(outrigger_ambassador_given_up_total{${provider}}${rate}))`,
        'given up {{provider}} {{why}}',
      ],
    ],
  },
  {
    title: 'Breakers: 0 flows, 1 probes, 2 refuses',
    unit: 'short',
    queries: [
      [
        `max by (provider, credential, model) (outrigger_ambassador_breaker_state{${provider}})`,
        '{{provider}} {{credential}} {{model}}',
      ],
    ],
  },
  {
    title: 'Providers that answer, replicas that are healthy',
    unit: 'short',
    queries: [
      [`min by (provider) (outrigger_ambassador_provider_reachable{${provider}})`, '{{provider}}'],
      [
        `min by (provider, replica) (outrigger_ambassador_replica_healthy{${provider}})`,
        '{{provider}} {{replica}}',
      ],
    ],
  },
  {
    title: 'Sidecars by configuration and version',
    unit: 'short',
    queries: [['max by (hash, version) (outrigger_ambassador_fleet_pods)', '{{hash}} {{version}}']],
  },
  {
    title: 'Configuration valid: 1, an older one in force: 0',
    unit: 'short',
    queries: [
      ['max(outrigger_controller_configuration_valid)', 'ConfigMap outrigger'],
      ['min(outrigger_ambassador_config_last_reload_successful)', 'ambassadors'],
      ['min(outrigger_sidecar_config_last_reload_successful)', 'sidecars'],
    ],
  },
  {
    title: 'Injections',
    unit: 'reqps',
    queries: [
      [
        `sum by (result, reason) (rate(outrigger_webhook_injections_total${rate}))`,
        '{{result}} {{reason}}',
      ],
      [quantile(0.99, 'outrigger_webhook_review_duration_seconds', 'path'), 'p99 seconds {{path}}'],
    ],
  },
  {
    title: 'Certificates and tokens: time left',
    unit: 's',
    queries: [
      [
        'max by (secret) (outrigger_controller_certificate_expiry_timestamp_seconds) - time()',
        '{{secret}}',
      ],
      [
        'min(outrigger_webhook_certificate_expiry_timestamp_seconds) - time()',
        'served by the webhook',
      ],
      ['min(outrigger_sidecar_token_expires_seconds)', 'tokens of sidecars'],
    ],
  },
]

/** Grafana's grid is 24 wide. */
const width = 12
const height = 8

/** The dashboard as Grafana imports it; data source, provider and tenant are chosen above it. */
export function dashboard(): object {
  return {
    uid: 'outrigger',
    title: 'Outrigger',
    tags: ['outrigger'],
    schemaVersion: 39,
    editable: true,
    refresh: '30s',
    time: { from: 'now-3h', to: 'now' },
    templating: {
      list: [
        { name: 'datasource', type: 'datasource', query: 'prometheus' },
        choice('provider', 'label_values(outrigger_ambassador_calls_in_flight, provider)'),
        choice('tenant', 'label_values(outrigger_ambassador_calls_total, tenant)'),
      ],
    },
    panels: panels.map(panelOf),
  }
}

function choice(name: string, query: string): object {
  const datasource = { type: 'prometheus', uid: '${datasource}' }
  const all = {
    includeAll: true,
    multi: true,
    allValue: '.*',
    current: { text: 'All', value: '$__all' },
  }
  return { name, type: 'query', datasource, query, refresh: 2, ...all }
}

function panelOf({ title, unit, queries }: Panel, at: number): object {
  const datasource = { type: 'prometheus', uid: '${datasource}' }
  return {
    id: at + 1,
    type: 'timeseries',
    title,
    datasource,
    gridPos: { x: (at % 2) * width, y: Math.floor(at / 2) * height, w: width, h: height },
    fieldConfig: { defaults: { unit, min: 0 }, overrides: [] },
    options: { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi' } },
    targets: queries.map(([expr, legendFormat], index) => ({
      refId: String.fromCharCode(65 + index),
      datasource,
      expr,
      legendFormat,
    })),
  }
}
