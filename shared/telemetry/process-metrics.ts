import { performance } from 'node:perf_hooks'
import type { Counter, Gauge, MetricTable } from './metrics.ts'

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
} as const satisfies MetricTable

interface ProcessMetrics {
  readonly processCpu: Counter<readonly []>
  readonly processMemory: Gauge<readonly []>
  readonly processStart: Gauge<readonly []>
  readonly eventLoopActive: Counter<readonly []>
}

/**
 * Reads the process at each scrape and not between: no timer, no histogram of delays.
 * A loop's delay would need a timer of 10 ms, its utilization is kept by libuv anyway.
 */
export function collectProcess(metrics: ProcessMetrics): void {
  metrics.processCpu.collect(() => {
    const { user, system } = process.cpuUsage()
    return [[[], (user + system) / 1e6]]
  })
  metrics.processMemory.collect(() => [[[], process.memoryUsage.rss()]])
  metrics.processStart.set(performance.timeOrigin / 1e3, [])
  metrics.eventLoopActive.collect(() => [[[], performance.eventLoopUtilization().active / 1e3]])
}
