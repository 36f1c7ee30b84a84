/** An answer that is written at once. */
export interface Page {
  readonly status: number
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
}

export const json = { 'content-type': 'application/json' }
export const plain = { 'content-type': 'text/plain; version=1.0.0; charset=utf-8' }

export function jsonPage(status: number, value: unknown): Page {
  return { status, body: JSON.stringify(value), headers: json }
}

export const notFound: Page = jsonPage(404, { detail: 'Not Found' })

/** A path that only takes `allow`. */
export function wrongMethod(allow: 'GET' | 'POST'): Page {
  const { status, body, headers } = jsonPage(405, { detail: 'Method Not Allowed' })
  return { status, body, headers: { ...headers, allow } }
}
