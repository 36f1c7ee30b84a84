import type { Encoder, EncoderContext, Piece } from './encoder.ts'
import {
  dataEvent,
  doneEvent,
  fingerprint,
  lastUsage,
  refusalEvents,
  runningUsage,
  timesOf,
  wholeUsage,
} from './openai-usage.ts'

/** `/v1/completions`. */
export function encodeCompletions(context: EncoderContext): Encoder {
  const { question, model, createdS, tellsDetails = true } = context
  const manner = { tellsCreated: false, tellsDetails }
  const head = {
    id: `cmpl-${context.requestId}`,
    object: 'text_completion',
    created: createdS,
    model,
  }

  const chunk = ({ text, finish, account }: Piece) => {
    const end = {
      logprobs: null,
      finish_reason: finish,
      stop_reason: null,
      prompt_token_ids: null,
      token_ids: null,
    }
    const usage = question.usage === 'continuous' ? { usage: runningUsage(account) } : {}
    return { ...head, choices: [{ index: 0, text, ...end }], ...usage }
  }

  return {
    opening: () => [],
    piece(piece) {
      if (piece.finish === null) return [dataEvent(chunk(piece))]
      if (question.usage === 'none') {
        return [dataEvent({ ...chunk(piece), system_fingerprint: fingerprint }), doneEvent]
      }
      const usage = lastUsage(piece.account, manner)
      const last = dataEvent({ ...head, choices: [], usage, system_fingerprint: fingerprint })
      return [dataEvent(chunk(piece)), last, doneEvent]
    },
    whole({ text, finish, account }) {
      const choice = {
        index: 0,
        text,
        logprobs: null,
        finish_reason: finish,
        stop_reason: null,
        token_ids: null,
        prompt_logprobs: null,
        prompt_token_ids: null,
        routed_experts: null,
      }
      return JSON.stringify({
        ...head,
        choices: [choice],
        service_tier: null,
        system_fingerprint: fingerprint,
        usage: wholeUsage(account, manner),
        kv_transfer_params: null,
        ec_transfer_params: null,
        metrics: timesOf(account),
      })
    },
    refusal: (why) => ({ events: refusalEvents(why), isCut: false }),
  }
}
