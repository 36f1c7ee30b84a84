import type { CallRequest } from '#shared/http/call.ts'

/** A chat request without headers, of which no layer reads the body again. */
export function chatRequest(body: Buffer = Buffer.alloc(0)): CallRequest {
  return {
    method: 'POST',
    path: '/v1/chat/completions',
    query: '',
    headers: [],
    incoming: {
      declaredBytes: 0,
      contentEncoding: undefined,
      read() {},
      pause() {},
      resume() {},
    },
    body,
  }
}
