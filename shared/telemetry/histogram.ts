import type { Series } from './metric-family.ts'

/**
 * A histogram's series: counts per bucket, cumulated only when rendered.
 *
 * @param bounds upper bounds (inclusive, as Prometheus' `le` is), ascending, without +Inf.
 */
export function histogramSeries(labels: readonly string[], bounds: readonly number[]): Series {
  const counts = new Float64Array(bounds.length + 1)
  let sum = 0
  return {
    labels,
    add: () => {},
    set: () => {},
    observe(value) {
      if (Number.isNaN(value)) return
      const index = bucketOf(value, bounds)
      counts[index] = (counts[index] ?? 0) + 1
      sum += value
    },
    samples(emit) {
      let cumulative = 0
      for (const [index, count] of counts.entries()) {
        cumulative += count
        emit('_bucket', bounds[index] ?? Infinity, cumulative)
      }
      emit('_sum', undefined, sum)
      emit('_count', undefined, cumulative)
    },
  }
}

/** Index of the first bound that is not below `value`; `bounds.length` is the +Inf bucket. */
function bucketOf(value: number, bounds: readonly number[]): number {
  let low = 0
  let high = bounds.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (value <= (bounds[middle] ?? Infinity)) high = middle
    else low = middle + 1
  }
  return low
}
