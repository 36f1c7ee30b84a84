import { addJson, addText, addUnknownMembers, type Counting } from './counting.ts'
import { addFraming } from './framing.ts'
import { steeringMembers } from './steering.ts'

type Json = Readonly<Record<string, unknown>>

const completionMembers = new Set([...steeringMembers, 'prompt', 'suffix'])
const embeddingMembers = new Set([...steeringMembers, 'input'])

/** Adds a body of Completions: its prompts, and the text a completion must lead to. */
export function countCompletions(counting: Counting, body: Json): void {
  countPrompts(counting, body['prompt'])
  const suffix = body['suffix']
  if (typeof suffix === 'string') addText(counting, 'text', suffix)
  else if (suffix !== undefined && suffix !== null) addJson(counting, 'unknown', suffix)
  addUnknownMembers(counting, body, completionMembers)
}

/** Adds a body of Embeddings. */
export function countEmbeddings(counting: Counting, body: Json): void {
  countPrompts(counting, body['input'])
  addUnknownMembers(counting, body, embeddingMembers)
}

/** A text, the ids of its tokens, or a list of either: each is a prompt of its own. */
function countPrompts(counting: Counting, prompts: unknown): void {
  if (prompts === undefined || prompts === null) return
  const isList = Array.isArray(prompts) && !areTokens(prompts)
  for (const prompt of isList ? prompts : [prompts]) {
    addFraming(counting, counting.family.framing.start)
    countPrompt(counting, prompt)
  }
}

function countPrompt(counting: Counting, prompt: unknown): void {
  if (typeof prompt === 'string') return addText(counting, 'text', prompt)
  if (!Array.isArray(prompt) || !areTokens(prompt)) return addJson(counting, 'unknown', prompt)
  // The caller used the model's tokenizer: no number is better than this one.
  counting.tally.add({ what: 'text', tokens: prompt.length, exactness: 'exact' })
}

function areTokens(list: readonly unknown[]): boolean {
  return list.length > 0 && list.every((item) => typeof item === 'number')
}
