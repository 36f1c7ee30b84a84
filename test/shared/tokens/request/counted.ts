import { type CountedDialect, countRequest } from '#shared/tokens/request/count-request.ts'
import type { CountText } from '#shared/tokens/request/counting.ts'
import { modelFamily } from '#shared/tokens/request/families.ts'
import type { Kind, RequestCount } from '#shared/tokens/request/tally.ts'

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
