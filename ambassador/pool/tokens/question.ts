import type { Json } from './json.ts'
import type { ChatFacts, TextFacts } from './prompt-facts.ts'

/** A prompt in the words of vLLM's `POST /tokenize`. */
export function questionOf(facts: ChatFacts | TextFacts, model: string): Json {
  if (facts.kind === 'text') {
    return { model, prompt: facts.text, add_special_tokens: facts.addsSpecialTokens }
  }
  const { tools, templateOptions } = facts
  return {
    model,
    messages: facts.messages,
    ...(tools === undefined ? {} : { tools }),
    add_generation_prompt: facts.addsGenerationPrompt,
    ...(facts.continuesLast ? { continue_final_message: true } : {}),
    ...(facts.addsSpecialTokens ? { add_special_tokens: true } : {}),
    ...(Object.keys(templateOptions).length === 0 ? {} : { chat_template_kwargs: templateOptions }),
  }
}
