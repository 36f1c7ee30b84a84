import { Template } from '@huggingface/jinja'
import type { ChatTemplate } from './chat-template.ts'

/** Published templates have up to 30 KB. */
const charactersMax = 256 * 1024

/**
 * The chat template of a model (`chat_template` of its tokenizer_config.json), ready to be rendered. It is
 * configuration, as trusted as the file that names it: nothing bounds the loops that it writes itself.
 * A caller's conversation steers how often they go around, and has its own bound.
 *
 * Throws what the parser throws.
 */
export function compileTemplate(source: string): ChatTemplate {
  if (source.length > charactersMax) {
    throw new Error(`Cannot use the chat template: ${source.length} characters are too many`)
  }
  return new Template(source)
}
