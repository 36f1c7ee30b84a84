import { performance } from 'node:perf_hooks'
import { version } from '#shared/lifecycle/version.ts'
import type { Counter, Gauge, MetricTable } from './metrics.ts'
import { activeResources, anonymousBytes, processHealth } from './process-health.ts'

/** Rows every process has; the first three names are Prometheus' own convention. */
export const processTable = {
  processCpu: {
    name: 'process_cpu_seconds_total',
    help: 'User and system CPU time of this process.',
    type: 'counter',
    labels: [],
    unit: 'seconds',
  },
  processMemory: {
    name: 'process_resident_memory_bytes',
    help: 'Resident memory of this process.',
    type: 'gauge',
    labels: [],
    unit: 'bytes',
  },
  processStart: {
    name: 'process_start_time_seconds',
    help: 'Start of this process, seconds since 1970.',
    type: 'gauge',
    labels: [],
    unit: 'seconds',
  },
  eventLoopActive: {
    name: 'nodejs_eventloop_active_seconds_total',
    help: 'Time the event loop was at work; its rate is the loop utilization, 1 is saturated.',
    type: 'counter',
    labels: [],
    unit: 'seconds',
  },
  processAnonymous: {
    name: 'process_anonymous_memory_bytes',
    help: 'Resident memory of this process that belongs to no file: what it alone costs.',
    type: 'gauge',
    labels: [],
    unit: 'bytes',
  },
  eventLoopDelay: {
    name: 'nodejs_eventloop_turn_seconds',
    help: 'How long turns of the event loop took in the last minutes: p50, p99, max.',
    type: 'gauge',
    labels: ['quantile'],
    unit: 'seconds',
  },
  gcSeconds: {
    name: 'nodejs_gc_seconds_total',
    help: 'Time spent in garbage collection, by kind.',
    type: 'counter',
    labels: ['kind'],
    unit: 'seconds',
  },
  gcRuns: {
    name: 'nodejs_gc_runs_total',
    help: 'Garbage collections, by kind.',
    type: 'counter',
    labels: ['kind'],
  },
  activeResources: {
    name: 'nodejs_active_resources',
    help: 'What the event loop waits for, by kind: sockets, timers, requests.',
    type: 'gauge',
    labels: ['type'],
  },
  buildInfo: {
    name: 'outrigger_build_info',
    help: '1, with the version of Outrigger and of Node.js.',
    type: 'gauge',
    labels: ['version', 'node'],
  },
} as const satisfies MetricTable

interface ProcessMetrics {
  readonly processCpu: Counter<readonly []>
  readonly processMemory: Gauge<readonly []>
  readonly processStart: Gauge<readonly []>
  readonly eventLoopActive: Counter<readonly []>
  readonly processAnonymous: Gauge<readonly []>
  readonly eventLoopDelay: Gauge<readonly ['quantile']>
  readonly gcSeconds: Counter<readonly ['kind']>
  readonly gcRuns: Counter<readonly ['kind']>
  readonly activeResources: Gauge<readonly ['type']>
  readonly buildInfo: Gauge<readonly ['version', 'node']>
}

/**
 * Reads the process at each scrape and sets no timer. What has to be watched in between begins with
 * the first scrape, if nobody has begun it before.
 */
export function collectProcess(metrics: ProcessMetrics): void {
  metrics.processCpu.collect(() => {
    const { user, system } = process.cpuUsage()
    return [[[], (user + system) / 1e6]]
  })
  metrics.processMemory.collect(() => [[[], process.memoryUsage.rss()]])
  metrics.processStart.set(performance.timeOrigin / 1e3, [])
  metrics.eventLoopActive.collect(() => [[[], performance.eventLoopUtilization().active / 1e3]])
  metrics.processAnonymous.collect(() => {
    const bytes = anonymousBytes()
    return bytes === undefined ? [] : [[[], bytes]]
  })
  metrics.eventLoopDelay.collect(() =>
    Object.entries(processHealth.loopDelay()).map(([quantile, ms]) => [[quantile], ms / 1e3]),
  )
  metrics.gcSeconds.collect(() =>
    Array.from(processHealth.collections(), ([kind, { seconds }]) => [[kind], seconds]),
  )
  metrics.gcRuns.collect(() =>
    Array.from(processHealth.collections(), ([kind, { runs }]) => [[kind], runs]),
  )
  metrics.activeResources.collect(() =>
    Array.from(activeResources(), ([type, count]) => [[type], count]),
  )
  metrics.buildInfo.set(1, [version, process.version])
}

/** The same for people. Bytes, milliseconds. */
export function processStatus() {
  const { heapUsed, heapTotal, rss, external } = process.memoryUsage()
  return {
    version,
    node: process.version,
    uptimeSeconds: Math.round(process.uptime()),
    memory: { rss, anonymous: anonymousBytes(), heapUsed, heapTotal, external },
    eventLoopMs: processHealth.loopDelay(),
    garbageCollection: Object.fromEntries(processHealth.collections()),
    resources: Object.fromEntries(activeResources()),
  }
}
