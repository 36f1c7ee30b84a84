import { CallError } from '#shared/errors/call-error.ts'
import type { CallRequest } from '#shared/http/call.ts'
import { header } from '#shared/http/headers.ts'
import type { Upload } from '#shared/http/upload.ts'
import { boundaryOf } from './part-name.ts'
import { PartScanner } from './part-scanner.ts'

/** Names the model of a question whose body does not, or not near its beginning. */
export const aliasHeader = 'x-outrigger-model-alias'

/** How much of a form is looked at for its model before anybody is asked. */
export const peekBytes = 64 * 1024

/** What the header says; undefined where it says nothing. */
export function headerAlias({ headers }: Pick<CallRequest, 'headers'>): string | undefined {
  return header(headers, aliasHeader) || undefined
}

/** Why nobody can be asked, and what helps. */
export function modelMissing(where: string): CallError {
  return new CallError(
    'invalid-field',
    `Cannot route: ${where} has no 'model'; send one, or name it in the header ${aliasHeader}`,
    { field: 'model' },
  )
}

/** Whether the body is a form that is sent on while it is read. */
export function isForm({ headers }: Pick<CallRequest, 'headers'>): boolean {
  return /^multipart\//i.test(header(headers, 'content-type') ?? '')
}

/** What follows a form; one for each reading of it. Error: `malformed-request` without a boundary. */
export function formScanner(
  { headers }: Pick<CallRequest, 'headers'>,
  onModel: (value: string) => string,
): PartScanner {
  const boundary = boundaryOf(header(headers, 'content-type') ?? '')
  if (boundary !== undefined) return new PartScanner(boundary, { onModel })
  const state = "its content-type is no 'multipart/form-data; boundary=…'"
  throw new CallError('malformed-request', `Cannot read the form: ${state}`)
}

/** The model of a form and where it says so. */
export interface FormModel {
  readonly model: string
  /** Whether it stands in what was looked at: then the length of what is sent is known. */
  readonly isNear: boolean
}

/**
 * Looks for the model at the beginning of a form. Errors: `invalid-field` where neither it nor the header
 * names one, or they name two, `malformed-request`, and those of {@link Upload}.
 */
export async function peekModel(request: CallRequest, upload: Upload): Promise<FormModel> {
  let found: string | undefined
  const scanner = formScanner(request, (value) => {
    found = value
    return value
  })
  const alias = headerAlias(request)
  await upload.peek(peekBytes, (chunk) => {
    scanner.feed(chunk)
    return scanner.hasModel
  })
  if (found !== undefined && alias !== undefined && found !== alias) throw twoModels()
  const model = found ?? alias
  if (model === undefined || model === '') {
    throw modelMissing(`the form, in its first ${peekBytes / 1_024} KiB,`)
  }
  return { model, isNear: found !== undefined }
}

/** Of two names nobody knows which one counts. */
export function twoModels(): CallError {
  const message = `Cannot read the form: its 'model' is not that of the header ${aliasHeader}`
  return new CallError('invalid-field', message, { field: 'model' })
}
