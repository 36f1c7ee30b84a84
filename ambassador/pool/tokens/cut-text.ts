import type { SegmentEncoder } from '#shared/tokens/hugging-face/segments.ts'

/** Code units of a chunk at least: 1 ms of encoding. */
const chunkUnits = 4_096

/** The end of a line before a letter: where tokenizers of published models begin anew. */
const boundary = /[\r\n](?=\p{L})/gu

/**
 * `text` in chunks that end with a line. Where each ends depends on the text before alone: two texts
 * that begin alike have the same chunks there.
 */
export function cutText(text: string): readonly string[] {
  const chunks: string[] = []
  let from = 0
  while (text.length - from > chunkUnits) {
    boundary.lastIndex = from + chunkUnits
    const found = boundary.exec(text)
    if (found === null) break
    chunks.push(text.slice(from, found.index + 1))
    from = found.index + 1
  }
  chunks.push(from === 0 ? text : text.slice(from))
  return chunks
}

const ends = [
  'a',
  '.',
  ' ',
  '\t',
  '}',
  '7',
  "'",
  '。',
  '—',
  '字',
  '½',
  '🚀',
  '\n',
  ' .',
  '"\r',
  '_',
]
const breaks = ['\n', '\r\n', '\n\n', ' \n', '\n\r\n\n']
const beginnings = ['The', 'a', 'É', '東京', 'ﬁ', 'ख', 'Ж', '한', 'ª', 'ال']

/**
 * Whether the tokens of texts that {@link cutText} cut are those of the whole: tried with all kinds of
 * characters around the end of a line. About 20 ms.
 */
export function canCut(encoder: SegmentEncoder): boolean {
  const lefts = ends.flatMap((end) => breaks.map((line) => `x${end}${line}`))
  return lefts.every((left) => {
    const ids = encoder.encode(left, true)
    return beginnings.every((right) => {
      const whole = encoder.encode(left + right, true)
      const rest = encoder.encode(right, false)
      if (whole.length !== ids.length + rest.length) return false
      return whole.every((id, at) => id === (at < ids.length ? ids[at] : rest[at - ids.length]))
    })
  })
}
