import { type CountedDialect, RequestCounting } from '#shared/tokens/request/count-request.ts'
import type { Texts } from '#shared/tokens/request/counting.ts'
import { modelFamily } from '#shared/tokens/request/families.ts'
import type { Family } from '#shared/tokens/request/family.ts'
import type { Kind, RequestCount } from '#shared/tokens/request/tally.ts'

export type CountText = (text: string) => number

export function textsOf(countText: CountText): Texts {
  const begin = (text: string) => {
    const counted = { tokens: 0, step: () => true }
    counted.tokens = countText(text)
    return counted
  }
  return { find: countText, begin }
}

/** A request, and what counts its texts. */
export interface Counted {
  readonly dialect: CountedDialect
  readonly body: unknown
  readonly family: Family
  readonly countText: CountText
}

/** Counts a whole request, in steps of `characters`. */
export function countRequest(
  { dialect, body, family, countText }: Counted,
  characters = Infinity,
): RequestCount {
  const counting = new RequestCounting({ dialect, body, family, texts: textsOf(countText) })
  while (!counting.step(characters));
  return counting.total()
}

/** Counts with one encoding, as a caller does who knows the model's. */
export function countWith(countText: CountText) {
  return (dialect: CountedDialect, model: string, body: unknown): RequestCount =>
    countRequest({ dialect, body, family: modelFamily(model), countText })
}

export function partsOf(result: RequestCount, what: Kind) {
  return result.parts.filter((part) => part.what === what)
}

export const hello = [{ role: 'user', content: 'hello' }]

/** The tool of the cookbook's section 7. */
export const weatherTool = {
  type: 'function',
  function: {
    name: 'get_current_weather',
    description: 'Get the current weather in a given location',
    parameters: {
      type: 'object',
      properties: {
        location: { type: 'string', description: 'The city and state, e.g. San Francisco, CA' },
        unit: {
          type: 'string',
          description: 'The unit of temperature to return',
          enum: ['celsius', 'fahrenheit'],
        },
      },
      required: ['location'],
    },
  },
}
