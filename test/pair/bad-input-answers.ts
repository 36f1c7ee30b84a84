/** One answer among the bytes of a connection. */
export interface WireAnswer {
  readonly status: number
  /** Unchunked, Latin-1. */
  readonly body: string
}

/** The answers in `said`, in order; throws where the bytes are no answers of HTTP/1. */
export function answersIn(said: string): WireAnswer[] {
  const answers: WireAnswer[] = []
  let rest = said
  while (rest !== '') {
    const line = /^HTTP\/1\.1 (\d{3}) [^\r\n]*\r\n/.exec(rest)
    const end = rest.indexOf('\r\n\r\n')
    if (line === null || end < 0) throw new Error(`no head: ${JSON.stringify(rest.slice(0, 200))}`)
    const status = Number(line[1])
    const head = rest.slice(0, end)
    const { body, length } = bodyIn(head, status, rest.slice(end + 4))
    answers.push({ status, body })
    rest = rest.slice(end + 4 + length)
  }
  return answers
}

function bodyIn(head: string, status: number, text: string): { body: string; length: number } {
  if (status < 200) return { body: '', length: 0 }
  const length = /^content-length: (\d+)/im.exec(head)?.[1]
  if (length !== undefined) return { body: text.slice(0, Number(length)), length: Number(length) }
  if (!/^transfer-encoding: chunked/im.test(head)) return { body: text, length: text.length }
  let body = ''
  for (let at = 0; ; ) {
    const end = text.indexOf('\r\n', at)
    const size = Number.parseInt(text.slice(at, end), 16)
    if (end < 0 || Number.isNaN(size)) throw new Error(`no chunk: ${text.slice(at, at + 100)}`)
    body += text.slice(end + 2, end + 2 + size)
    at = end + 4 + size
    if (size === 0) return { body, length: at }
  }
}
