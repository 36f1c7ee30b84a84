import { readFileSync } from 'node:fs'

/** The page that a real vLLM 0.32 answered, two layers, block size 32, 100 blocks. */
export const recordedPage = readFileSync(
  new URL('../../../simulator/samples/metrics.txt', import.meta.url),
  'utf8',
)

/** A page of one engine with the three numbers that each page must have. */
export function pageOf(
  {
    running = 0,
    waiting = 0,
    kvUsage = 0,
  }: { running?: number; waiting?: number; kvUsage?: number },
  rest = '',
): string {
  const labels = '{engine="0",model_name="m"}'
  return `vllm:num_requests_running${labels} ${running}
vllm:num_requests_waiting${labels} ${waiting}
vllm:kv_cache_usage_perc${labels} ${kvUsage}
${rest}
`
}
