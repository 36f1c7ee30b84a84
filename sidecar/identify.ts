import type { Layer } from '#shared/call/service.ts'
import { largeBytes, type Pause, scanBody, type TopLevel } from '#shared/dialects/scan-body.ts'
import { shortValueAt } from '#shared/dialects/top-level.ts'
import { CallError } from '#shared/errors/call-error.ts'
import type { CallRequest, CallResponse } from '#shared/http/call.ts'
import type { SidecarCall } from './call.ts'
import { needKeys } from './route/needs.ts'

/**
 * Reads model and stream from the body, and estimates its tokens by bytes. Ends at once, or with a
 * large body after `pause` has let other work run every millisecond. Errors: `invalid-json` with the
 * position (a large body may be broken inside a value: that shows when it is counted or sent),
 * `invalid-field`, and the reason of a cancellation.
 */
export function identify(pause?: Pause): Layer<CallRequest, CallResponse, SidecarCall> {
  return (inner) => (request, context) => {
    const { body } = request
    const isLarge = body.length > largeBytes
    context.question = isLarge ? { bytes: body } : { parsed: parsed(body), size: body.length }
    const { cancellation } = context
    const top = scanBody(body, wanted, pause ? { cancellation, pause } : { cancellation })
    if (top instanceof Promise) {
      return top.then((late) => {
        take(context, body, late)
        return inner(request, context)
      })
    }
    take(context, body, top)
    return inner(request, context)
  }
}

const wanted = ['model', 'stream', 'truncation', ...needKeys]

function take(context: SidecarCall, body: Buffer, { values, repeated }: TopLevel): void {
  if (repeated !== undefined)
    throw invalid(repeated, `'${repeated}' occurs twice or in another case`)
  const model = shortValueAt(body, values.get('model'))
  if (typeof model !== 'string' || model === '') throw invalid('model', "'model' must be a string")
  const stream = shortValueAt(body, values.get('stream'))
  const isFlag = stream === undefined || stream === null || typeof stream === 'boolean'
  if (!isFlag) throw invalid('stream', "'stream' must be true or false")
  context.members = values
  context.modelAsked = model
  context.isStream = stream === true
  context.isShortened = shortValueAt(body, values.get('truncation')) === 'auto'
  // English prose has about four bytes a token; the envelope of JSON weighs the other way.
  context.input = { tokens: Math.ceil(body.length / 4), exactness: 'estimate' }
}

function invalid(field: string, state: string): CallError {
  return new CallError('invalid-field', `Cannot read the body: ${state}`, { field })
}

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch (error) {
    const reason = error instanceof SyntaxError ? error.message : ''
    // V8 quotes the text around the place: that is a piece of the prompt, and stays out.
    const at = /position (\d+)/.exec(reason)?.[1] ?? strangeAt(body.toString('utf8'))
    const isShort = /unexpected end/i.test(reason)
    const place = at === undefined ? '' : ` at position ${at}`
    const where = isShort ? 'it ends too early' : `unexpected character${place}`
    throw new CallError('invalid-json', `Cannot read the body as JSON: ${where}`)
  }
}

const token = /\s*(?:"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|true|false|null|[{}[\],:])/sy

/** Where the first thing stands that is no token of JSON: V8 leaves the position out there. */
function strangeAt(text: string): number | undefined {
  token.lastIndex = 0
  let end = 0
  while (token.test(text)) end = token.lastIndex
  const at = end + (/\S/.exec(text.slice(end, end + 1_000))?.index ?? 0)
  return at < text.length ? at : undefined
}
