import { claudeFamily } from './claude.ts'
import type { Family } from './family.ts'
import { openFamily } from './open-models.ts'
import { openaiFamily } from './openai.ts'

/**
 * The family of a model by its name, with or without the path of a catalogue (`openai/gpt-4o`), the
 * prefix of a cloud (`us.anthropic.claude-…`) or of a fine-tuned model (`ft:gpt-4o:…`). A caller who
 * holds the tokenizer of an open model replaces `text` by an exact one.
 */
export function modelFamily(model: string): Family {
  // Vertex writes the date of a model behind an `@`.
  const path = model.toLowerCase().replace('@', '-')
  const claude = path.indexOf('claude')
  if (claude >= 0) return claudeFamily(path.slice(claude))
  const name = (path.split('/').at(-1) ?? '').replace(/^ft:/, '')
  return openaiFamily(name) ?? openFamily(name) ?? unknownFamily
}

/**
 * A model nobody described: framing of the widest template known here, the tokenizer at hand as a
 * stand-in, images as the most expensive open model. Estimates throughout; no claim of accuracy.
 */
const unknownFamily: Family = {
  id: 'unknown',
  text: { kind: 'tokenizer', exactness: 'estimate' },
  framing: { message: 4, role: 'counted', name: 1, reply: 4, start: 1, exactness: 'estimate' },
  image: { kind: 'squares', square: 28, edgeMax: 65_535, tokensMax: 16_384, exactness: 'estimate' },
  tools: { kind: 'json', overhead: 150 },
}
