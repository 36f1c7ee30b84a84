import { countHeader, type HeaderList, header } from '#shared/http/headers.ts'
import { Refusal } from './refusal.ts'

/** The one bearer token of a head. Throws {@link Refusal}: of two, somebody may have read the other. */
export function bearerOf(headers: HeaderList): string {
  const count = countHeader(headers, 'authorization')
  if (count === 0) throw new Refusal('no token')
  if (count > 1) throw new Refusal('several tokens')
  const value = header(headers, 'authorization') ?? ''
  const [scheme, token, ...more] = value.split(' ')
  const isBearer = scheme?.toLowerCase() === 'bearer' && more.length === 0
  if (!isBearer || token === undefined || token === '') throw new Refusal('no token')
  return token
}
