import { type Document, LineCounter, parseDocument } from 'yaml'
import { isMap, type Problem } from './problems.ts'
import { formatSize } from './units.ts'
import { faultsOf, type YamlFault } from './yaml-faults.ts'

/** A ConfigMap holds at most 1 MiB. */
export const configBytesMax = 2 ** 20
const syntaxErrorsMax = 5

/** A document that is YAML, and what it says as plain values. */
export interface YamlRead {
  readonly document: Document
  readonly lines: LineCounter
  readonly value: unknown
}

type Yaml = YamlRead | { readonly problems: readonly Problem[] }

/**
 * Reads one YAML document that is a map, of at most `bytesMax` bytes; `where` names the file in
 * messages. Aliases are written out, to a few MiB at most. Cost: linear in the text.
 */
export function readYaml(text: string, where: string, bytesMax = configBytesMax): Yaml {
  const whole = (message: string): Yaml => ({ problems: [{ path: '', message }] })
  if (Buffer.byteLength(text) > bytesMax) {
    return whole(`${where} must be at most ${formatSize(bytesMax)}`)
  }
  const lines = new LineCounter()
  try {
    // Pretty errors quote the line they are about, and that line may hold a secret. The parser's own
    // search for equal keys takes minutes for a large map: `faultsOf` finds them.
    const document = parseDocument(text.replace(/^\uFEFF/, ''), {
      lineCounter: lines,
      merge: true,
      prettyErrors: false,
      uniqueKeys: false,
    })
    const faults = syntaxFaults(document)
    if (faults.length > 0) {
      return { problems: faults.map((fault) => problemOf(fault, where, lines)) }
    }
    // `faultsOf` has bounded the aliases; the parser's own count walks the document for each.
    const value: unknown = document.toJS({ maxAliasCount: -1 })
    if (value === null || value === undefined) return whole(`${where} is empty`)
    if (!isMap(value)) return whole(`${where} must be a map of keys`)
    return { document, lines, value }
  } catch (error) {
    // A merge of what is no map, or nesting deeper than the stack.
    const reason = error instanceof Error ? withoutSource(error.message) : 'unreadable'
    return whole(`${where} is not valid YAML: ${reason}`)
  }
}

/** One slip makes a parser stumble many times; the first few say where. */
function syntaxFaults(document: Document): readonly YamlFault[] {
  const { errors, warnings } = document
  const stumbles = [...errors.slice(0, syntaxErrorsMax), ...warnings.slice(0, syntaxErrorsMax)]
  const faults = stumbles.map(({ message, pos }) => ({
    offset: pos[0],
    message: withoutSource(message),
  }))
  return [...faults, ...faultsOf(document)]
    .toSorted((one, other) => one.offset - other.offset)
    .slice(0, syntaxErrorsMax)
}

function problemOf(
  { offset, message, firstOffset }: YamlFault,
  where: string,
  lines: LineCounter,
): Problem {
  const { line, col } = lines.linePos(offset)
  const first =
    firstOffset === undefined ? '' : `, line ${lines.linePos(firstOffset).line} has this one`
  return {
    path: '',
    message: `${where}:${line}:${col} is not valid YAML: ${message}${first}`,
    line,
  }
}

/** The part before the colon: behind it the parser quotes the file, maybe a secret. */
function withoutSource(message: string): string {
  return /^[^\n:;]*/.exec(message)?.[0] ?? ''
}
