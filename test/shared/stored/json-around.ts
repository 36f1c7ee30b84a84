import fc from 'fast-check'

const words = [
  'id',
  'item_id',
  'previous_response_id',
  'approval_request_id',
  'container_id',
  'file_id',
  'input',
  'output',
  'item',
  'data',
  'response',
  'tools',
  'content',
  'annotations',
  'conversation',
  'type',
  'role',
  'metadata',
  'arguments',
  '"id"',
  'caf\u00e9 \u{1F680}',
  '',
]
const texts = [
  'resp_1',
  'msg_2',
  'rs_3.x',
  'a"b\\',
  '{"id":"msg_9"}',
  'data: {"id":"x"}',
  '\\"id\\":\\"y\\"',
  'item_reference',
  'message',
  '\n\u2028\u{1F600}',
  '',
]

/** JSON that is full of the words and of what looks like them, as text in one of its spellings. */
export const jsonText = fc
  .letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'medium', withCrossShrink: true },
      fc.oneof(fc.constantFrom<unknown>(...texts, 0, -1.5e9, true, null), fc.string()),
      fc.array(tie('value'), { maxLength: 4 }),
      fc.dictionary(fc.constantFrom(...words), tie('value'), { maxKeys: 6 }),
    ),
  }))
  .value.chain((value) =>
    fc.tuple(fc.constant(value), fc.constantFrom(undefined, 1, '\t'), fc.boolean()),
  )
  .map(([value, indent, isEscaped]) => {
    const text = JSON.stringify(value, null, indent)
    // A letter may be written as its number, in keys too.
    return isEscaped ? text.replaceAll('d"', '\\u0064"') : text
  })

/** Pieces of `bytes`, cut at any places. */
export function pieces(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].toSorted((a, b) => a - b)
  const ends = [...places, bytes.length]
  return ends.map((end, at) => bytes.subarray(ends[at - 1] ?? 0, end))
}
