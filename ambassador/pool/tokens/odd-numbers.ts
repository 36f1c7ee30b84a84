import { NotAnObject, scanTopLevel } from '#shared/dialects/top-level.ts'

/** What a number could be that JavaScript writes differently from Python; strings have it too. */
const suspicious = /\d\.\d|\d[eE]|\d{16}/

/** Whether JSON has a number that is written differently once it was parsed, such as 1.0. Throws as parsing does. */
export function hasOddNumbers(json: string): boolean {
  return suspicious.test(json) && numbersDiffer(json)
}

/** The same of `tools` of a body: a template writes schemas as JSON, and Python keeps how a number was. */
export function hasOddTools(body: Buffer): boolean {
  const text = textOf(body)
  return text !== undefined && hasOddNumbers(text)
}

function numbersDiffer(json: string): boolean {
  let found = false
  JSON.parse(json, (_key, value: unknown, context?: { readonly source?: string }) => {
    if (typeof value === 'number' && context?.source !== String(value)) found = true
    return value
  })
  return found
}

function textOf(body: Buffer): string | undefined {
  try {
    const range = scanTopLevel(body, ['tools']).values.get('tools')
    return range === undefined ? undefined : body.toString('utf8', range.start, range.end)
  } catch (error) {
    if (error instanceof NotAnObject) return undefined
    throw error
  }
}
