import { defineMetrics, type Handles, type MetricTable } from '#shared/telemetry/metrics.ts'
import { collectProcess, processTable } from '#shared/telemetry/process-metrics.ts'

/** What the controller tells of itself, besides its process. */
export const controllerTable = {
  isLeader: {
    name: 'outrigger_controller_leader',
    help: '1 in the process that leads, 0 in those that stand by.',
    type: 'gauge',
    labels: [],
  },
  turns: {
    name: 'outrigger_controller_turns_total',
    help: 'Comparisons of what is with what should be, by result (done, failed).',
    type: 'counter',
    labels: ['result'],
  },
  configurationValid: {
    name: 'outrigger_controller_configuration_valid',
    help: '1 where ConfigMap outrigger is valid, 0 where an older one is given out further.',
    type: 'gauge',
    labels: [],
  },
  namespaces: {
    name: 'outrigger_controller_namespaces',
    help: 'Namespaces that are given the configuration of sidecars.',
    type: 'gauge',
    labels: [],
  },
  certificateEnd: {
    name: 'outrigger_controller_certificate_expiry_timestamp_seconds',
    help: 'When a certificate ends, in seconds since 1970, by Secret.',
    type: 'gauge',
    labels: ['secret'],
  },
} as const satisfies MetricTable

export type ControllerMetrics = Handles<typeof controllerTable>

/** Makes the controller's metrics, with those of its process. */
export function controllerMetrics() {
  const registry = defineMetrics({ ...controllerTable, ...processTable })
  collectProcess(registry.metrics)
  return registry
}
