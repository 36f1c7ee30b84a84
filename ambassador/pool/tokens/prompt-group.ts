import type { ChatFacts, TextFacts } from './prompt-facts.ts'

/** What a server may do in its own way: each is compared with it by itself. */
export const promptGroups = ['text', 'chat', 'tools', 'reasoning', 'reasoning_content'] as const
export type PromptGroup = (typeof promptGroups)[number]

const thoughts = ['reasoning', 'reasoning_content'] as const

/** All that a prompt is of, the most particular last. */
export function groupsOf(facts: ChatFacts | TextFacts): readonly PromptGroup[] {
  if (facts.kind === 'text') return ['text']
  const found = thoughts.filter((name) =>
    facts.messages.some((message) => message[name] !== undefined && message[name] !== null),
  )
  return facts.tools === undefined ? ['chat', ...found] : ['chat', 'tools', ...found]
}
