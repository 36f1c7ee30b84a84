import type { IncomingMessage } from 'node:http'

/** The API server's refusal, with its `reason` (`NotFound`, `Forbidden`, …). */
export class ApiError extends Error {
  readonly status: number
  readonly reason: string

  constructor(status: number, reason: string, message: string) {
    super(message)
    this.name = 'ApiError'
    this.status = status
    this.reason = reason
  }
}

export async function textOf(answer: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of answer.setEncoding('utf8')) text += chunk
  return text
}

/** What an answer that is none of success says. */
export function refusal(answer: IncomingMessage, text: string): ApiError {
  const status = answer.statusCode ?? 0
  if (!text.startsWith('{')) return new ApiError(status, 'Unknown', `${status}: ${text}`)
  const { reason = 'Unknown', message = text } = JSON.parse(text)
  return new ApiError(status, reason, message)
}
