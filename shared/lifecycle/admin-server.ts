import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { isIP } from 'node:net'
import { createServer } from '#shared/builtins.ts'
import { listen } from '#shared/http/listen.ts'
import {
  contentTypes,
  formatFor,
  type MetricTable,
  type Registry,
} from '#shared/telemetry/metrics.ts'

/** What a page answers. */
export interface Page {
  readonly status: number
  readonly type: string
  readonly text: string
  /** Further headers of the answer. */
  readonly headers?: Readonly<Record<string, string>>
}

/** A page that is read; `accept` is the header of that name, `query` what follows the question mark. */
export type ReadPage = (accept: string | undefined, query: string) => Page

/** A page that answers what is posted to it, 1 MiB at most. Never rejects. */
export interface PostPage {
  readonly post: (body: Buffer) => Promise<Page>
}

/**
 * A page that takes its time, asked for by POST so that no browser fetches it ahead. It writes its answer
 * itself, or gives a page. Where it rejects the connection is cut.
 */
export interface StreamPage {
  readonly stream: (query: string, response: ServerResponse) => Promise<Page | undefined>
}

/** Pages by path. */
export type Pages = Readonly<Record<string, ReadPage | PostPage | StreamPage>>

/** One question, pasted by a person; larger ones tell no more. */
const postBytesMax = 1024 * 1024
/** Several people at once have no reason to be here. */
const postsMax = 2

/** Serves a few pages: probes and metrics, or the loopback's status pages. */
export async function startAdminServer(
  address: { readonly host: string; readonly port: number },
  pages: Pages,
): Promise<{ readonly port: number; close(): Promise<void> }> {
  let posts = 0
  const isLoopback = address.host === '127.0.0.1' || address.host === '::1'
  const post = async (page: PostPage, request: IncomingMessage): Promise<Page> => {
    if (posts >= postsMax) return textPage(503, 'busy; try again')
    posts++
    try {
      const body = await readPost(request)
      return body === undefined ? textPage(413, 'send at most 1 MiB') : await page.post(body)
    } finally {
      posts--
    }
  }
  const server: Server = createServer((request, response) => {
    const [path = '/', query = ''] = (request.url ?? '/').split('?', 2)
    const page = Object.hasOwn(pages, path) ? pages[path] : undefined
    const { method } = request
    if (isLoopback && !isOwnHost(request.headers.host)) {
      write(response, textPage(421, 'ask by an address, or as localhost'))
    } else if (page === undefined) {
      const known = Object.keys(pages).join(', ')
      write(response, textPage(404, `not found; there are ${known}`))
    } else if (typeof page === 'object') {
      if (method !== 'POST') {
        write(response, textPage(405, 'use POST'))
        return
      }
      // A page from elsewhere may post here, though it cannot read what is answered.
      if (isLoopback && !isOwnHost(request.headers.origin?.replace(/^https?:\/\//, ''))) {
        write(response, textPage(403, 'ask from this machine'))
        return
      }
      const answered = 'post' in page ? post(page, request) : page.stream(query, response)
      answered.then(
        (given) => given !== undefined && write(response, given),
        // A body that breaks off has nobody left to answer.
        () => response.destroy(),
      )
    } else if (method !== 'GET' && method !== 'HEAD') write(response, textPage(405, 'use GET'))
    else write(response, page(request.headers.accept, query))
  })
  // Scrapers are few and quick; nobody else has a reason to hold a connection here.
  server.maxConnections = 64
  server.headersTimeout = 5_000
  server.requestTimeout = 5_000
  server.keepAliveTimeout = 65_000
  return {
    port: await listen(server, address),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/**
 * A name that somebody else's records turned to this machine brings a page of his: what only this machine
 * may read answers to no name but its own.
 */
function isOwnHost(host: string | undefined): boolean {
  if (host === undefined) return true
  const name = host.replace(/:\d+$/, '')
  return name === 'localhost' || isIP(name.replace(/^\[(.*)\]$/, '$1')) !== 0
}

/** The head alone where that is what was asked for: node leaves out the rest. */
function write(response: ServerResponse, { status, type, text, headers }: Page): void {
  const length = Buffer.byteLength(text)
  response.writeHead(status, { 'content-type': type, 'content-length': length, ...headers })
  response.end(text)
}

/** Undefined where it is too long: what is left of it is not kept. */
async function readPost(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request) {
    const bytes: Buffer = chunk
    length += bytes.length
    if (length <= postBytesMax) chunks.push(bytes)
  }
  return length > postBytesMax ? undefined : Buffer.concat(chunks)
}

/** A page of text. */
export function textPage(status: number, text: string): Page {
  return { status, type: 'text/plain; charset=utf-8', text: `${text}\n` }
}

/** Metrics in the format that is asked for. */
export function metricsPage(render: Registry<MetricTable>['render']): ReadPage {
  return (accept) => {
    const format = formatFor(accept)
    return { status: 200, type: contentTypes[format], text: render(format) }
  }
}

/** A page of JSON. */
export function jsonPage(value: object, status = 200): Page {
  return { status, type: 'application/json', text: `${JSON.stringify(value, null, 2)}\n` }
}
