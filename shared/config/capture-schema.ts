import * as v from 'valibot'
import { size, text } from './fields.ts'

/** A name in JSON, such as `password`, whatever its case. */
const keyName = text(/^[\w.$-]{1,64}$/, 'must be the name of a member, such as password')

/**
 * Not a regular expression: some of those take minutes for one text, and every call would wait. Three
 * characters that are neither `*` nor a space are the least that says anything.
 */
const pattern = text(
  /^(?!.*\*.*\*)(?=(?:[^ ]*[^ *]){3})[ -~]{3,64}$/,
  'must be 3 to 64 characters, where # is a digit, @ a letter, ? either and one * the rest of a word, such as ACC-########',
)

/** Of a tenant: that its questions and answers go into spans. Absent, no text of them goes anywhere. */
export const capture = v.object({
  // Each of question and answer, as JSON, of every call that is traced from its beginning.
  bytesMax: v.optional(size({ max: 64 * 1024 }), '8KiB'),
  redact: v.optional(
    v.object({
      // Members of tool calls and their results, besides those that are always left out.
      keys: v.optional(v.array(keyName), []),
      patterns: v.optional(v.array(pattern), []),
    }),
    {},
  ),
})

export type Capture = v.InferOutput<typeof capture>
