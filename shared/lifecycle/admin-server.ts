import type { Server } from 'node:http'
import { createServer } from '#shared/builtins.ts'

/** What a page answers. */
export interface Page {
  readonly status: number
  readonly type: string
  readonly text: string
}

/** Pages by path; `accept` is the header of that name. */
export type Pages = Readonly<Record<string, (accept: string | undefined) => Page>>

/** Serves GET and HEAD of a few pages: probes and metrics, or the loopback's status pages. */
export async function startAdminServer(
  address: { readonly host: string; readonly port: number },
  pages: Pages,
): Promise<{ readonly port: number; close(): Promise<void> }> {
  const server: Server = createServer((request, response) => {
    const path = (request.url ?? '/').split('?', 1)[0] ?? '/'
    const page = Object.hasOwn(pages, path) ? pages[path] : undefined
    if (page === undefined || (request.method !== 'GET' && request.method !== 'HEAD')) {
      response.writeHead(page === undefined ? 404 : 405, { 'content-type': 'text/plain' })
      response.end(
        page === undefined
          ? `not found; there are ${Object.keys(pages).join(', ')}\n`
          : 'use GET\n',
      )
      return
    }
    const { status, type, text } = page(request.headers.accept)
    response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(text) })
    response.end(request.method === 'HEAD' ? undefined : text)
  })
  // Scrapers are few and quick; nobody else has a reason to hold a connection here.
  server.maxConnections = 64
  server.headersTimeout = 5_000
  server.requestTimeout = 5_000
  server.keepAliveTimeout = 65_000
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(address, () => {
      server.off('error', reject)
      resolve()
    })
  })
  const bound = server.address()
  return {
    port: typeof bound === 'object' && bound !== null ? bound.port : address.port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** A page of text. */
export function textPage(status: number, text: string): Page {
  return { status, type: 'text/plain; charset=utf-8', text: `${text}\n` }
}

/** A page of JSON. */
export function jsonPage(value: object): Page {
  return { status: 200, type: 'application/json', text: `${JSON.stringify(value, null, 2)}\n` }
}
