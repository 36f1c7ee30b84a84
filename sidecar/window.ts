import { CallError } from '#shared/errors/call-error.ts'
import type { InputCount } from '#shared/tokens/counter.ts'
import type { Route, SidecarCall } from './call.ts'

/**
 * Refuses a question that the model of `route` cannot take, before it is sent. A guess passes over
 * a target while there are others, and refuses nobody: the provider knows. Lists of prompts and of
 * texts to embed have a window each, which the provider checks, and Responses are shortened where the
 * question says so. Error: `context-window-exceeded`.
 */
export function checkWindow(
  { surface, mayGuess, isShortened }: SidecarCall,
  { contextWindow }: Route,
  input: InputCount | undefined,
): void {
  if (contextWindow === undefined || input === undefined || input.tokens <= contextWindow) return
  if (isShortened && surface?.dialect === 'responses') return
  if (surface?.dialect === 'embeddings' || surface?.dialect === 'completions') return
  if (input.exactness === 'estimate' && !mayGuess) return
  throw windowExceeded(input, contextWindow)
}

/** The refusal, with both numbers. */
function windowExceeded({ tokens, exactness }: InputCount, contextWindow: number): CallError {
  return new CallError(
    'context-window-exceeded',
    `Cannot send the question: it has ${tokens} tokens, and the model takes ${contextWindow}`,
    { tokens, contextWindow, isGuess: exactness === 'estimate' },
  )
}
