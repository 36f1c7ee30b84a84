/** The part of opossum 10 that is used; @types/opossum describes version 8. */
declare module 'opossum' {
  import type { EventEmitter } from 'node:events'

  interface Options {
    timeout: number | false
    resetTimeout: number
    errorThresholdPercentage: number
    volumeThreshold: number
    rollingCountTimeout: number
    rollingCountBuckets: number
    rollingPercentilesEnabled: boolean
    rotateBucketController: EventEmitter
    enableSnapshots: boolean
    capacity: number
    errorFilter: (error: Error) => boolean
    allowWarmUp: boolean
    enabled: boolean
    cache: boolean
    coalesce: boolean
    autoRenewAbortController: boolean
    name: string
    group: string
  }

  class CircuitBreaker<Arguments extends unknown[], Result> {
    constructor(action: (...parameters: Arguments) => Promise<Result>, options: Options)
    readonly closed: boolean
    readonly opened: boolean
    readonly halfOpen: boolean
    /** Half-open, and the probe has not been taken yet. */
    readonly pendingClose: boolean
    fire(...parameters: Arguments): Promise<Result>
    open(): void
    shutdown(): void
    on(event: 'open' | 'halfOpen' | 'close', listener: () => void): this
  }

  export = CircuitBreaker
}
