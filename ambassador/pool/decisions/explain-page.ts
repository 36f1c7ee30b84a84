import { jsonPage, type Page, textPage } from '#shared/lifecycle/admin-server.ts'
import type { Decisions } from './decisions.ts'

/** Call ids as `x-outrigger-call` has them, and no more of what somebody typed. */
const idPattern = /^[\w-]{1,64}$/

/** `GET /explain?call=ID`: each place that a call was given, with all that was known. No text of it. */
export function explainPage(decisions: Pick<Decisions, 'of'>, query: string): Page {
  const id = new URLSearchParams(query).get('call') ?? ''
  if (!idPattern.test(id)) {
    return textPage(400, 'name a call: /explain?call=ID, with the ID of x-outrigger-call')
  }
  const found = decisions.of(id)
  if (found.length > 0) return jsonPage({ call: id, decisions: found })
  return textPage(404, 'that call is not known here: the last 1,024 decisions are remembered')
}
