import type { Surface } from '#shared/dialects/surfaces.ts'
import { CallError } from '#shared/errors/call-error.ts'
import type { InputCount } from '#shared/tokens/counter.ts'
import type { Route } from './call.ts'

/**
 * Whether a question of this surface is one text to the model. Lists of prompts and of texts to
 * embed have a window each, which the provider checks.
 */
export function isWindowed(surface: Surface | undefined): boolean {
  return surface?.dialect !== 'embeddings' && surface?.dialect !== 'completions'
}

/** Whether the model of `route` takes so many tokens, as far as the configuration says. */
export function fits({ contextWindow }: Route, { tokens }: InputCount): boolean {
  return contextWindow === undefined || tokens <= contextWindow
}

interface Misfit {
  readonly route: Route
  readonly input: InputCount
}

/** The refusal, with the numbers of the target that came nearest; `misfits` is not empty. */
export function windowExceeded(misfits: readonly Misfit[]): CallError {
  const windows = misfits.map(({ route }) => route.contextWindow ?? 0)
  const contextWindow = Math.max(...windows)
  const { tokens } = misfits[windows.indexOf(contextWindow)]?.input ?? { tokens: 0 }
  return new CallError(
    'context-window-exceeded',
    `Cannot send the question: it has ${tokens} tokens, and the model takes ${contextWindow}`,
    { tokens, contextWindow },
  )
}
