import { CallError } from '#shared/errors/call-error.ts'
import type { CallRequest } from './call.ts'
import { header } from './headers.ts'

const name = 'x-outrigger-class'

/**
 * The class that the call asks for; undefined where it asks for none. `classes` are those of the
 * configuration. Error: `invalid-field` where it asks for another.
 */
export function askedClass(
  { headers }: Pick<CallRequest, 'headers'>,
  classes: readonly string[],
): string | undefined {
  const asked = header(headers, name)
  if (asked === undefined || classes.includes(asked)) return asked
  const state = `'${name}' must be one of ${classes.join(', ')}`
  throw new CallError('invalid-field', `Cannot read the headers: ${state}`, { field: name })
}
