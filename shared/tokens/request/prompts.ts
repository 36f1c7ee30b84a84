import { LargeArray } from '#shared/tokens/large-json/large-value.ts'
import { addText } from './add-text.ts'
import type { Counting } from './counting.ts'
import { each } from './each.ts'
import { addFraming } from './framing.ts'
import { addJson, addUnknownMembers } from './json.ts'
import { steeringMembers } from './steering.ts'
import { isList, isText, type Json, type List } from './value.ts'

const completionMembers = new Set([...steeringMembers, 'prompt', 'suffix'])
const embeddingMembers = new Set([...steeringMembers, 'input'])

/** Adds a body of Completions: its prompts, and the text a completion must lead to. */
export function countCompletions(counting: Counting, body: Json): void {
  countPrompts(counting, body['prompt'])
  const suffix = body['suffix']
  if (isText(suffix)) addText(counting, 'text', suffix)
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
  if (!isList(prompts) || areTokens(prompts)) return countPrompt(counting, prompts)
  if (!(prompts instanceof LargeArray)) {
    return each(counting, prompts, (prompt) => countPrompt(counting, prompt))
  }
  // A long list is not looked through twice: its first element tells what it holds.
  let isTokens = false
  each(counting, prompts, (item, index) => {
    if (index === 0) isTokens = typeof item === 'number'
    if (!isTokens) return countPrompt(counting, item)
    if (index === 0) addFraming(counting, counting.family.framing.start)
    countToken(counting, item)
  })
}

function countPrompt(counting: Counting, prompt: unknown): void {
  addFraming(counting, counting.family.framing.start)
  if (isText(prompt)) return addText(counting, 'text', prompt)
  if (prompt instanceof LargeArray) {
    return each(counting, prompt, (item) => countToken(counting, item))
  }
  if (!isList(prompt) || !areTokens(prompt)) return addJson(counting, 'unknown', prompt)
  // The caller used the model's tokenizer: no number is better than this one.
  counting.tally.add({ what: 'text', tokens: prompt.length, exactness: 'exact' })
}

/** One of very many ids of tokens. */
function countToken(counting: Counting, item: unknown): void {
  if (typeof item !== 'number') return addJson(counting, 'unknown', item)
  counting.tally.add({ what: 'text', tokens: 1, exactness: 'exact' })
}

function areTokens(list: List): boolean {
  if (list instanceof LargeArray) return false
  return list.length > 0 && list.every((item) => typeof item === 'number')
}
