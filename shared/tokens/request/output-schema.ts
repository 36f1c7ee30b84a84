import type { Counting } from './counting.ts'
import { addJson } from './json.ts'
import { isObject } from './value.ts'

/**
 * Adds the schema an answer must keep: `response_format`, `text.format` or `output_config.format`.
 * How providers write it into the prompt is not published, so it counts as its JSON.
 */
export function countOutputSchema(counting: Counting, format: unknown): void {
  if (format === undefined || format === null) return
  if (isObject(format) && format['type'] === 'text') return
  addJson(counting, 'output schema', format)
}
