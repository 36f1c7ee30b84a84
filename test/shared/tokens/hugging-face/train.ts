import { byteOf } from '#shared/tokens/hugging-face/byte-alphabet.ts'

/** Mixed text: prose, code, and scripts of one, two, three and four bytes a character. */
export const corpus = [
  "The quick brown fox doesn't jump over the lazy dogs; they're sleeping, and we'll see them.",
  'export function add(left: number, right: number): number {\n  return left + right\n}\n\n',
  '{"role": "user", "content": "How many tokens are in 1234567 words?"}\n',
  'Быстрая коричневая лиса прыгает через ленивую собаку. Ещё раз: лиса и собака.',
  '敏捷的棕色狐狸跳过了懒狗。東京は日本の首都です。カタカナとひらがな。안녕하세요 세계',
  'الثعلب البني السريع يقفز فوق الكلب الكسول. नमस्ते दुनिया। สวัสดีชาวโลก',
  'Ünïcödé Ångström naïve façade e\u0301te\u0301 \u{1f600}\u{1f680}\u{1f600} ½ ﬁne   spaces\t\ttabs',
]

export interface Trained {
  readonly vocab: Record<string, number>
  readonly merges: [string, string][]
}

/** A vocabulary of `extra`, the symbols of `pieces`, and up to `count` merges of the commonest pairs. */
export function train(
  pieces: readonly string[],
  count: number,
  extra: readonly string[] = [],
): Trained {
  const words = pieces.map((piece) => Array.from(piece))
  const vocab: Record<string, number> = {}
  const enter = (token: string) => {
    vocab[token] ??= Object.keys(vocab).length
  }
  for (const token of [...extra, ...words.flat()]) enter(token)
  const merges: [string, string][] = []
  while (merges.length < count) {
    const best = commonest(words)
    if (best === undefined) break
    merges.push(best)
    enter(best.join(''))
    for (const word of words) merge(word, best)
  }
  return { vocab, merges }
}

function commonest(words: readonly string[][]): [string, string] | undefined {
  const counts = new Map<string, number>()
  for (const word of words) {
    for (let at = 1; at < word.length; at++) {
      const pair = `${word[at - 1]}\0${word[at]}`
      counts.set(pair, (counts.get(pair) ?? 0) + 1)
    }
  }
  const [pair] = [...counts].toSorted((a, b) => b[1] - a[1])[0] ?? []
  const [left, right] = pair?.split('\0') ?? []
  return left === undefined || right === undefined ? undefined : [left, right]
}

function merge(word: string[], [left, right]: readonly [string, string]): void {
  for (let at = 0; at + 1 < word.length; at++) {
    if (word[at] === left && word[at + 1] === right) word.splice(at, 2, left + right)
  }
}

/** Every byte in the byte alphabet. */
export const byteSymbols = Array.from({ length: 512 }, (_, unit) => unit)
  .filter((unit) => byteOf(unit) >= 0)
  .map((unit) => String.fromCharCode(unit))

/** `<0x00>` to `<0xFF>`. */
export const fallbackTokens = Array.from(
  { length: 256 },
  (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`,
)
