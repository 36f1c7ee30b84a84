import { readBody } from '#shared/http/body.ts'
import { type AskParts, type Question, scrapeOptions } from './ask-page.ts'

/** What a server says to it is one sentence. */
const answerBytesMax = 64 * 1024

/**
 * POSTs JSON to a page and gives the status and the beginning of what it says. Rejects with what `exchange`
 * does.
 */
export async function postPage(
  { clock, origins, settings, cancellation }: AskParts,
  { origin, path, headers }: Question,
  value: object,
): Promise<{ readonly status: number; readonly text: string }> {
  const body = Buffer.from(JSON.stringify(value))
  const own = ['content-type', 'application/json', 'content-length', String(body.length)]
  const { timeoutMs } = settings
  const response = await origins.exchange(
    { origin, method: 'POST', path, headers: [...own, ...headers], body },
    scrapeOptions(settings),
    { headMs: timeoutMs, idleMs: timeoutMs, cancellation, clock, peer: `replica ${origin}` },
  )
  const said = await readBody(response.body, answerBytesMax)
  return { status: response.status, text: said?.toString('utf8') ?? '' }
}
