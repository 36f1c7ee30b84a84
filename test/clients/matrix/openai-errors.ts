import assert from 'node:assert/strict'
import OpenAI from 'openai'
import { refused } from './feature.ts'

const classes = {
  400: OpenAI.BadRequestError,
  403: OpenAI.PermissionDeniedError,
  404: OpenAI.NotFoundError,
  429: OpenAI.RateLimitError,
  500: OpenAI.InternalServerError,
}

/** Each refusal is raised as the class that the SDK documents for its status. */
export async function openaiErrors(
  ask: (asked: { readonly model: string; readonly text: string }) => Promise<unknown>,
): Promise<void> {
  for (const asked of refused) await assert.rejects(ask(asked), classes[asked.status])
}
