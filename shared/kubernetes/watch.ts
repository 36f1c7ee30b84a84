import type { Cancellation } from '#shared/call/cancellation.ts'
import type { AnswerHead } from './connection.ts'
import { isExpired, type KubernetesError, refusalError } from './kubernetes-error.ts'
import {
  type Asked,
  type AskParts,
  acceptOf,
  pathOf,
  refusalBytesMax,
  renewedToken,
} from './question.ts'
import { WatchDecoder, type WatchEvent } from './watch-decoder.ts'

export interface WatchOptions {
  readonly query?: Asked['query']
  /** Only what the objects say of themselves; `objects` unless given. */
  readonly as?: 'objects' | 'metadata'
  /** Events after this one are told. */
  readonly resourceVersion: string
  /** After this long the server ends the watch; it is waited for 10 s longer, and no more. */
  readonly timeoutSeconds: number
  readonly cancellation?: Cancellation
  /** The server has taken the watch on. */
  readonly onOpen?: () => void
  readonly onEvent: (event: WatchEvent) => void
}

/** How a watch ended. */
export type WatchEnd =
  /** The server had enough, as it was asked to: go on from the last resource version. */
  | { readonly kind: 'ended' }
  /** The resource version is too old: list anew. */
  | { readonly kind: 'expired'; readonly error: KubernetesError }
  | { readonly kind: 'failed'; readonly error: KubernetesError }
  | { readonly kind: 'cancelled' }

/** A loaded API server takes this long to begin a watch; longer, and it is not there. */
const headMs = 15_000
/** What a server that ends the watch by itself may be late by. */
const graceMs = 10_000

/** One watch from its beginning to its end; never rejects. Events come in the server's order. */
export async function watchOnce(
  parts: AskParts,
  path: string,
  options: WatchOptions,
): Promise<WatchEnd> {
  const token = parts.access.token()
  const end = await watchWith(parts, { path, options, token })
  if (end.kind !== 'failed' || end.error.status !== 401) return end
  const renewed = renewedToken(parts.access, token)
  return renewed === undefined ? end : await watchWith(parts, { path, options, token: renewed })
}

interface Try {
  readonly path: string
  readonly options: WatchOptions
  readonly token: string | undefined
}

function watchWith(parts: AskParts, { path, options, token }: Try): Promise<WatchEnd> {
  const { timeoutSeconds, resourceVersion, onOpen, as = 'objects' } = options
  const action = `GET ${path}`
  const query = {
    ...options.query,
    watch: true,
    allowWatchBookmarks: true,
    resourceVersion,
    timeoutSeconds,
  }
  return new Promise((resolve) => {
    const decoder = new WatchDecoder(action, (event) => {
      // A listener may cancel while further events of the same chunk wait.
      if (parts.cancellation.reason === undefined) options.onEvent(event)
    })
    let head: AnswerHead | undefined
    let refusal = ''
    const finish = (error: KubernetesError) => resolve(endOf(error))
    const running = parts.connection.ask(
      { method: 'GET', path: pathOf({ path, query }), accept: acceptOf(`${as}-watch`) },
      { headMs, wholeMs: timeoutSeconds * 1_000 + graceMs, cancellation: parts.cancellation },
      {
        token,
        sink: {
          onHead(answered) {
            head = answered
            if (head.status === 200) onOpen?.()
          },
          onChunk(chunk) {
            if (head?.status === 200) {
              const error = decoder.feed(chunk)
              if (error !== undefined) running.fail(error)
            } else if (refusal.length < refusalBytesMax) refusal += chunk.toString('utf8')
          },
          onEnd() {
            if (head?.status === 200) resolve({ kind: 'ended' })
            else finish(refusalError(action, { ...(head ?? noHead), text: refusal }))
          },
          onError: finish,
        },
      },
    )
  })
}

const noHead: AnswerHead = { status: 0, retryAfter: undefined }

function endOf(error: KubernetesError): WatchEnd {
  if (error.reason === 'Cancelled' && error.status === 0) return { kind: 'cancelled' }
  return isExpired(error) ? { kind: 'expired', error } : { kind: 'failed', error }
}
