import { surfaceOf, surfacePaths } from '#shared/dialects/surfaces.ts'
import { NotAnObject, scanTopLevel } from '#shared/dialects/top-level.ts'
import { isObject } from '#shared/dialects/usage.ts'
import type { CallRequest, IncomingBody } from '#shared/http/call.ts'

/** A call that is not made; or what is wrong with the question about it. */
export type Asked = { readonly request: CallRequest } | { readonly mistake: string }

const form =
  'send {"path": "/v1/chat/completions", "headers": {…}, "body": {…}}; headers may be left out'

/**
 * Reads `{"path", "headers", "body"}`. The body of the call keeps its own bytes: what they hold is
 * found as in a call.
 */
export function askedIn(posted: Buffer): Asked {
  const parsed = parse(posted)
  if (!isObject(parsed)) return { mistake: `Cannot read the question as JSON: ${form}` }
  const { path, headers = {}, body } = parsed
  const unknown = Object.keys(parsed).find((key) => !keys.includes(key))
  if (unknown !== undefined) return mistaken(`'${unknown.slice(0, 40)}' is not known`)
  if (typeof path !== 'string' || surfaceOf(path) === undefined) {
    const known = surfacePaths.filter((known) => surfaceOf(known) !== undefined)
    return mistaken(`'path' must be one of ${known.join(', ')}`)
  }
  if (!isObject(headers)) return mistaken("'headers' must be an object of texts")
  const list: string[] = []
  for (const [name, value] of Object.entries(headers)) {
    if (typeof value !== 'string') return mistaken("'headers' must be an object of texts")
    list.push(name.toLowerCase(), value)
  }
  if (!isObject(body)) return mistaken("'body' must be the object that would be sent")
  const bytes = bytesOf(posted)
  return {
    request: { method: 'POST', path, query: '', headers: list, incoming: nothing, body: bytes },
  }
}

const keys = ['path', 'headers', 'body']

function mistaken(state: string): Asked {
  return { mistake: `Cannot explain: ${state}; ${form}` }
}

function parse(posted: Buffer): unknown {
  try {
    return JSON.parse(posted.toString('utf8'))
  } catch {
    // V8 quotes the text around the place: that may be a prompt, and stays out.
    return undefined
  }
}

function bytesOf(posted: Buffer): Buffer {
  try {
    const range = scanTopLevel(posted, ['body']).values.get('body')
    return range === undefined ? posted : posted.subarray(range.start, range.end)
  } catch (error) {
    // Parsed once already: a byte order mark is all that the two readers differ in.
    if (error instanceof NotAnObject) return posted
    throw error
  }
}

/** The body is all there. */
const nothing: IncomingBody = {
  declaredBytes: undefined,
  contentEncoding: undefined,
  read: () => undefined,
  pause: () => undefined,
  resume: () => undefined,
}
