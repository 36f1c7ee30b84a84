import { CallError, type ErrorFacts } from '#shared/errors/call-error.ts'

/** What is not there, by the word that OpenAI has for it. */
export type Missing = 'Response' | 'Previous response' | 'Item' | 'Conversation' | 'Container'

/** As much of what a caller wrote as an answer repeats. */
const shownCharsMax = 200

const fields: Readonly<Record<Missing, string | undefined>> = {
  Response: undefined,
  'Previous response': 'previous_response_id',
  Item: 'input',
  Conversation: 'conversation',
  Container: 'tools',
}

/**
 * That there is no such thing: the same for an id that nobody gave out, that another tenant was given, and
 * that was forged.
 */
export function notFound(missing: Missing, id: string): CallError {
  const shown = id.slice(0, shownCharsMax).toWellFormed()
  const field = fields[missing]
  const message = `Cannot find it: ${missing} with id '${shown}' not found`
  return new CallError('stored-not-found', message, {
    missing,
    shown,
    ...(field === undefined ? {} : { field }),
  })
}

/** OpenAI's code and message for it. */
export function notFoundWords({ missing, shown }: ErrorFacts): {
  readonly code: string | null
  readonly message: string
} {
  const code = missing === 'Previous response' ? 'previous_response_not_found' : null
  return { code, message: `${String(missing)} with id '${String(shown)}' not found.` }
}

/** That what the id names would have to be the tenant's own, and why nobody can tell. */
export function notOwned(what: string): CallError {
  return new CallError(
    'stored-forbidden',
    `Cannot use ${what}: all tenants share the account of the provider, and whose it is is not known`,
  )
}

/** What is stored with two owners cannot be brought together. */
export function twoOwners(): CallError {
  return new CallError(
    'invalid-field',
    'Cannot answer: the stored ids of the question are of different providers or credentials',
    { field: 'input' },
  )
}
