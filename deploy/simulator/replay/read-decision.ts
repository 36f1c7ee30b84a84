import * as v from 'valibot'
import { hashesIn, markIn, type PrefixSamples } from '#ambassador/pool/decisions/prefix-samples.ts'

const amount = v.pipe(v.number(), v.minValue(0))
const whole = v.pipe(amount, v.integer())

const decisionLine = v.object({
  at: amount,
  tenant: v.string(),
  class: v.string(),
  adapter: v.string(),
  promptTokens: v.pipe(whole, v.minValue(1)),
  blockTokens: v.pipe(whole, v.minValue(1)),
  step: v.pipe(whole, v.minValue(1)),
  prefix: v.array(v.string()),
  marks: v.array(v.string()),
  outputTokens: v.optional(whole),
  replicas: v.pipe(whole, v.minValue(1)),
  kvBlocks: v.optional(whole),
  cachedReported: v.optional(whole),
  promptReported: v.optional(whole),
  ttftMs: v.optional(amount),
  durationMs: amount,
})

/** One call of a log. */
export interface LoggedCall
  extends Omit<v.InferOutput<typeof decisionLine>, keyof PrefixSamples | 'prefix'> {
  readonly samples: PrefixSamples
}

/** The mark of a line that is about a decision; others are passed over. */
const mark = '"msg":"decision"'

/**
 * The call that a line is about; undefined where it is another line of the log, and in words what is
 * wrong with a line that is cut or is none.
 */
export function readDecision(text: string): LoggedCall | undefined | string {
  if (!text.includes(mark)) {
    const isOther = text === '' || (text.startsWith('{') && text.endsWith('}'))
    return isOther ? undefined : 'is no line of a log, or was cut'
  }
  const read = v.safeParse(decisionLine, parsed(text))
  if (!read.success) {
    const [issue] = read.issues
    const path = issue.path?.map(({ key }) => String(key)).join('.')
    return path === undefined ? 'was cut' : `has no usable '${path}': ${issue.message}`
  }
  const { step, prefix, marks: texts, ...call } = read.output
  const hashes = hashesIn(prefix)
  const marks = texts.map(markIn).filter((one) => one !== undefined)
  if (hashes === undefined || marks.length < texts.length) return "has no usable 'prefix'"
  return { ...call, samples: { step, hashes, marks } }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Told of by the one who asks, with the line's number.
    return undefined
  }
}
