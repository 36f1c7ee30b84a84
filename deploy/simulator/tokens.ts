import { hash32, pseudoRandom } from './pseudo-random.ts'

// Pieces of up to six characters with the space before them: near four characters a token in
// English prose. A piece
// never crosses a special token, so an answer keeps its token boundaries when the next turn sends
// it back.
const piece = /<\|[a-z_]+\|>| ?[^\s<]{1,6}|\s|</gu

/** The tokens of `text`, in order; joined they are `text` again. */
export function tokenize(text: string): string[] {
  return text.match(piece) ?? []
}

/** A stable number for a token: below 32,000 for a piece of text, its own for one given as `#id`. */
export function tokenId(token: string): number {
  const given = /^#(\d+)$/.exec(token)?.[1]
  return given === undefined ? hash32(token) % 32_000 : Number(given)
}

const preface = tokenize("This is simulated text from Outrigger's embedded vLLM pool.")

const words = [
  'anchor',
  'basin',
  'beam',
  'bow',
  'breeze',
  'buoy',
  'cable',
  'canoe',
  'chart',
  'coast',
  'crew',
  'deck',
  'depth',
  'drift',
  'ebb',
  'float',
  'foam',
  'gull',
  'harbor',
  'hull',
  'island',
  'keel',
  'lagoon',
  'mast',
  'oar',
  'paddle',
  'port',
  'reef',
  'rope',
  'sail',
  'shore',
  'spray',
  'stern',
  'strait',
  'swell',
  'tide',
  'vessel',
  'voyage',
  'wake',
  'wave',
  'wharf',
  'wind',
]

/**
 * Gives the tokens of a simulated answer one by one, for ever; equal prompt and seed give equal
 * tokens. An answer that the prompt has begun already goes on where it ends.
 */
export function answerTokens(prompt: readonly string[], seed: number): () => string {
  const { question, said } = splitAnswer(prompt.join(''))
  const next = wholeAnswer(question, seed)
  for (const _ of tokenize(said)) next()
  return next
}

const answerStart = '<|im_start|>assistant\n'

/** What is asked, and what the unfinished last turn of the assistant says. */
function splitAnswer(text: string): { readonly question: string; readonly said: string } {
  const at = text.lastIndexOf(answerStart)
  const from = at < 0 ? text.length : at + answerStart.length
  const said = text.slice(from)
  return said.includes('<|')
    ? { question: text, said: '' }
    : { question: text.slice(0, from), said }
}

function wholeAnswer(question: string, seed: number): () => string {
  const random = pseudoRandom(hash32(question) ^ Math.imul(seed, 0x9e3779b1))
  let given = 0
  return () => {
    const fixed = preface[given]
    given += 1
    return fixed ?? ` ${words[Math.floor(random() * words.length)] ?? 'tide'}`
  }
}
