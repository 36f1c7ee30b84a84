import type { Cancellation } from '#shared/call/cancellation.ts'
import type { Clock } from '#shared/call/clock.ts'
import type { ClusterAccess } from './cluster-access.ts'
import type { AnswerHead, Connection, Question } from './connection.ts'
import { KubernetesError, localError, refusalError } from './kubernetes-error.ts'

export interface AskParts {
  readonly access: ClusterAccess
  readonly clock: Clock
  readonly connection: Connection
  readonly cancellation: Cancellation
}

/** What is asked, before the query is written into the path. */
export interface Asked extends Pick<Question, 'method' | 'path' | 'body'> {
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>> | undefined
  readonly accept?: string
}

/** A page of 250 pods of 100 KB; an EndpointSlice of 1,000 endpoints takes 0.4 MB. */
export const answerBytesMax = 32 * 2 ** 20
/** A refusal is a `Status`; more than this of it is a page of somebody else's. */
export const refusalBytesMax = 64 * 1024

/** Least wait where the server says 429 and names no more: it may say 0. */
const retryMsMin = 250

/**
 * The text of a successful answer within `timeoutMs`. Tried again: a 401 once, where a token read
 * anew differs; a 429 that names a time, while that time is left; a GET whose connection broke,
 * once, since the server may close one that is kept alive at the moment of its reuse.
 */
export async function answerOf(parts: AskParts, asked: Asked, timeoutMs: number): Promise<string> {
  const { access, clock } = parts
  const endMs = clock.now() + timeoutMs
  const tries: Tries = { token: access.token(), hasRenewed: false, breaks: 0 }
  for (;;) {
    const leftMs = endMs - clock.now()
    try {
      return await answerOnce(parts, { asked, token: tries.token, leftMs })
    } catch (error) {
      if (!(error instanceof KubernetesError)) throw error
      const waitMs = waitOf(error)
      const isWorthWaiting = waitMs !== undefined && clock.now() + waitMs < endMs
      if (isWorthWaiting) await pause(parts, waitMs)
      else if (!isCurable(error, { tries, access, method: asked.method })) throw error
    }
  }
}

interface Tries {
  token: string | undefined
  hasRenewed: boolean
  breaks: number
}

interface Cure {
  readonly tries: Tries
  readonly access: ClusterAccess
  readonly method: Question['method']
}

/** Whether a next try may go better, which `tries` is prepared for. */
function isCurable({ status, reason }: KubernetesError, { tries, access, method }: Cure): boolean {
  if (status === 401 && !tries.hasRenewed) {
    const renewed = renewedToken(access, tries.token)
    tries.hasRenewed = true
    tries.token = renewed
    return renewed !== undefined
  }
  return status === 0 && reason === 'Unreachable' && method === 'GET' && tries.breaks++ === 0
}

/** A token other than `sent`, read anew: kubelet may have swapped it within the last seconds. */
export function renewedToken(access: ClusterAccess, sent: string | undefined): string | undefined {
  access.refresh?.()
  const token = access.token()
  return token === sent ? undefined : token
}

/** How long to wait before a 429 is tried again; undefined where nothing says so. */
function waitOf({ status, retryAfterMs }: KubernetesError): number | undefined {
  if (status !== 429 || retryAfterMs === undefined) return undefined
  return Math.max(retryAfterMs, retryMsMin)
}

function pause({ clock, cancellation }: AskParts, waitMs: number): Promise<void> {
  return new Promise((resolve) => {
    const undoTimer = clock.after(waitMs, () => {
      undoCancel()
      resolve()
    })
    const undoCancel = cancellation.onCancel(() => {
      undoTimer()
      // The next try finds it cancelled.
      resolve()
    })
  })
}

interface Try {
  readonly asked: Asked
  readonly token: string | undefined
  readonly leftMs: number
}

function answerOnce(parts: AskParts, { asked, token, leftMs }: Try): Promise<string> {
  const { connection, cancellation } = parts
  const { method, body, accept = 'application/json' } = asked
  const action = `${method} ${asked.path}`
  return new Promise((resolve, reject) => {
    let head: AnswerHead = { status: 0, retryAfter: undefined }
    const chunks: Buffer[] = []
    let bytes = 0
    const running = connection.ask(
      { method, path: pathOf(asked), accept, ...(body === undefined ? {} : { body }) },
      { headMs: leftMs, wholeMs: leftMs, cancellation },
      {
        token,
        sink: {
          onHead(answered) {
            head = answered
          },
          onChunk(chunk) {
            bytes += chunk.length
            if (bytes <= answerBytesMax) chunks.push(chunk)
            else running.fail(localError('TooLarge', action, 'the answer is longer than 32MiB'))
          },
          onEnd() {
            const text = Buffer.concat(chunks).toString('utf8')
            if (head.status >= 200 && head.status < 300) resolve(text)
            else reject(refusalError(action, { ...head, text: text.slice(0, refusalBytesMax) }))
          },
          onError: reject,
        },
      },
    )
  })
}

/** Media types of whole objects and of their metadata alone, which lists and watches name apart. */
export function acceptOf(shape: `${'objects' | 'metadata'}-${'list' | 'watch'}`): string {
  if (shape === 'objects-list' || shape === 'objects-watch') return 'application/json'
  const kind = shape === 'metadata-list' ? 'PartialObjectMetadataList' : 'PartialObjectMetadata'
  return `application/json;as=${kind};g=meta.k8s.io;v=v1,application/json`
}

/** The path with its query. */
export function pathOf({ path, query = {} }: Pick<Asked, 'path' | 'query'>): string {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) search.append(name, String(value))
  }
  return search.size === 0 ? path : `${path}?${search.toString()}`
}
