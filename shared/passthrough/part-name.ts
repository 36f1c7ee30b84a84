const dispositionLine = /^content-disposition[ \t]*:(.*)$/i
/** A parameter with its value: quoted with escapes, or a word. */
const parameter = /;[ \t]*([^\s=;"]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]*))[ \t]*/gy

/**
 * The name of a form's part by its headers (RFC 7578, 4.2; RFC 6266 for the parameters). Undefined where it
 * has none, two, one in another coding, or headers that readers take apart differently.
 */
export function partName(head: string): string | undefined {
  const lines = head.split('\r\n')
  // Folded, or a line of its own behind a bare end of line: readers differ.
  if (lines.some((line) => /^(?:[ \t]|$)|[\r\n\0]/.test(line))) return undefined
  const found = lines.flatMap((line) => dispositionLine.exec(line)?.[1] ?? [])
  const [text = ''] = found
  const [kind = ''] = /^[ \t]*form-data[ \t]*/i.exec(text) ?? []
  if (found.length !== 1 || kind === '') return undefined
  const names: string[] = []
  parameter.lastIndex = kind.length
  let end = kind.length
  for (let one = parameter.exec(text); one !== null; one = parameter.exec(text)) {
    end = parameter.lastIndex
    const key = one[1]?.toLowerCase()
    if (key === 'name*') return undefined
    if (key === 'name') names.push(one[2]?.replaceAll(/\\(.)/g, '$1') ?? one[3] ?? '')
  }
  return names.length === 1 && end === text.length ? names[0] : undefined
}

/** The boundary that a `content-type` of multipart/form-data names (RFC 2046, 5.1.1). */
export function boundaryOf(contentType: string): string | undefined {
  if (!/^multipart\/form-data[ \t]*;/i.test(contentType)) return undefined
  const all = [...contentType.matchAll(/;[ \t]*boundary=(?:"([^"\\]{1,70})"|([^\s;",]{1,70}))/gi)]
  const [found] = all
  return all.length === 1 ? (found?.[1] ?? found?.[2]) : undefined
}
