import { type StepTime, stepTimes } from './replica/step-time.ts'

/** Names of the laws by which steps take their time. */
export type StepTimeName = 'plain' | keyof typeof stepTimes

/** The plain law's numbers, in milliseconds. */
export interface PlainStepTime {
  readonly stepTime: StepTimeName
  /** Of a step that computes prompts and nothing else, whatever it computes. */
  readonly prefillMs: number
  /** Of each prompt token that is not in the prefix cache. */
  readonly prefillTokenMs: number
  /** Of a step in which calls take a token. */
  readonly tokenMs: number
}

export const stepTimeNames: readonly string[] = ['plain', ...Object.keys(stepTimes)]

export function isStepTimeName(name: string): name is StepTimeName {
  return stepTimeNames.includes(name)
}

/** The law that `options` name: a published one, or the plain one of their numbers. */
export function stepTimeOf(options: PlainStepTime): StepTime {
  const { stepTime, prefillMs, prefillTokenMs, tokenMs } = options
  if (stepTime !== 'plain') return stepTimes[stepTime]
  return {
    decodeMs: ({ decoding }) => (decoding === 0 ? 0 : tokenMs),
    prefillMs({ decoding, chunks, tokens }) {
      if (chunks === 0) return 0
      let ms = decoding === 0 ? prefillMs : 0
      for (let at = 0; at < chunks; at += 1) ms += (tokens[at] ?? 0) * prefillTokenMs
      return ms
    },
  }
}
