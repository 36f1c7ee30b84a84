import assert from 'node:assert/strict'
import type { OtlpSpan } from '../shared/telemetry/otlp.ts'

/**
 * The spans of one trace from the top down, each the parent of the next: the first hangs below the
 * span `root`. Fails where one has two children or hangs elsewhere.
 */
export function chainOf(spans: readonly OtlpSpan[], trace: string, root: string): OtlpSpan[] {
  const own = spans.filter(({ traceId }) => traceId === trace)
  const chain: OtlpSpan[] = []
  for (let parent = root; ; ) {
    const [span, ...more] = own.filter(({ parentSpanId }) => parentSpanId === parent)
    assert.equal(more.length, 0, `two spans below ${parent}`)
    if (span === undefined) break
    chain.push(span)
    parent = span.spanId
  }
  assert.equal(chain.length, own.length, 'a span hangs elsewhere')
  return chain
}
