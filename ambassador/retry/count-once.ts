import type { CallResponse } from '#shared/http/call.ts'
import { letGoUnread } from '../attempt/let-go.ts'
import type { AmbassadorCall } from '../call.ts'
import { profileOf } from '../providers/profile.ts'
import { answerHeaders, isPutAside } from './answer-headers.ts'
import { classify } from './classify.ts'
import { errorBytesMax, noFacts, readErrorFacts } from './error-facts.ts'
import { ownWords } from './own-words.ts'
import { PeekedBody } from './peeked-body.ts'
import type { RetryParts } from './retry-parts.ts'

/**
 * One try at a question that is only counted. It takes no turn and is not tried again: the sidecar
 * counts where it fails. What its refusal says of the credential holds for calls too. Errors: those
 * of the attempt, and what is said of the account in our own words.
 */
export async function countOnce(
  { credentials, provider }: Pick<RetryParts, 'credentials' | 'provider'>,
  context: AmbassadorCall,
  send: () => Promise<CallResponse>,
): Promise<CallResponse> {
  const credential = context.owner ?? credentials.pickFor(context)
  context.credential = credential
  const response = await send()
  if (response.status < 400) return response
  const { status, headers } = response
  const body = new PeekedBody(response.body, errorBytesMax)
  const whole = await body.whole
  const facts = whole === undefined ? noFacts : readErrorFacts(whole)
  const wallMs = context.clock.wall()
  const profile = profileOf(provider(context))
  const outcome = classify({ profile, status, headers, facts, wallMs })
  if (credential !== undefined) credentials.judge(context, credential, outcome)
  const own = ownWords(outcome, context, {
    soonestMs: undefined,
    aside: credentials.asideOf(context),
  })
  if (own === undefined) {
    const told = answerHeaders(headers, outcome, {
      soonestMs: undefined,
      isFinal: isPutAside(outcome),
    })
    return { ...response, headers: told, body: letGoUnread(body, context.atEnd) }
  }
  body.cancel()
  throw own
}
