/** A Prometheus histogram with upper bounds `bounds`, ascending; +Inf is added when rendered. */
export class Histogram {
  readonly bounds: readonly number[]
  readonly counts: number[]
  count = 0
  sum = 0

  constructor(bounds: readonly number[]) {
    this.bounds = bounds
    this.counts = bounds.map(() => 0)
  }

  observe(value: number): void {
    this.count += 1
    this.sum += value
    for (let at = this.bounds.length - 1; at >= 0; at -= 1) {
      if (value > (this.bounds[at] ?? 0)) return
      this.counts[at] = (this.counts[at] ?? 0) + 1
    }
  }
}

const tokenBounds = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000,
]
const firstTokenBounds = [
  0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 10, 20, 40, 80,
]
const tokenTimeBounds = [
  0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40,
]
const callBounds = [
  0.3, 0.5, 0.8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480, 960, 1_920, 7_680,
]

/** What a replica counts of its calls since its start. Tokens unless a name says seconds. */
export class Statistics {
  rejections = 0
  readonly finished: Record<'stop' | 'length' | 'abort', number> = { stop: 0, length: 0, abort: 0 }
  readonly histograms = {
    request_prompt_tokens: new Histogram(tokenBounds),
    request_generation_tokens: new Histogram(tokenBounds),
    iteration_tokens_total: new Histogram(tokenBounds),
    request_max_num_generation_tokens: new Histogram(tokenBounds),
    request_params_n: new Histogram(tokenBounds),
    request_params_max_tokens: new Histogram(tokenBounds),
    time_to_first_token_seconds: new Histogram(firstTokenBounds),
    inter_token_latency_seconds: new Histogram(tokenTimeBounds),
    request_time_per_output_token_seconds: new Histogram(tokenTimeBounds),
    e2e_request_latency_seconds: new Histogram(callBounds),
    request_queue_time_seconds: new Histogram(callBounds),
    request_inference_time_seconds: new Histogram(callBounds),
    request_prefill_time_seconds: new Histogram(callBounds),
    request_decode_time_seconds: new Histogram(callBounds),
    request_num_preemptions: new Histogram(tokenBounds),
    request_prefill_kv_computed_tokens: new Histogram(tokenBounds),
  }
}
