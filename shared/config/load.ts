import * as v from 'valibot'
import {
  type Document,
  isScalar,
  isSeq,
  isMap as isYamlMap,
  LineCounter,
  parseDocument,
} from 'yaml'
import { crossChecks, type Declared } from './cross-checks.ts'
import {
  type Finding,
  findingsOf,
  formatPath,
  isMap,
  type KeyPath,
  type Problem,
  unknownKeys,
} from './problems.ts'
import { type Config, configSchema } from './schema.ts'

export { describeProblems, type Problem } from './problems.ts'

export type Loaded =
  | { readonly ok: true; readonly config: Config }
  | { readonly ok: false; readonly problems: readonly Problem[] }

/** A ConfigMap holds at most 1 MiB. */
export const configBytesMax = 2 ** 20
/** A log line and a person's patience both end about there. */
const problemsMax = 50
const syntaxErrorsMax = 5
/** Anchors are for a few shared blocks; a "billion laughs" file needs thousands. */
const aliasCountMax = 100

/**
 * Parses one YAML document whole. `where` names the file in messages. Not ok: 1 to 50 problems in
 * the order of the file, all at once, none of which repeats a value given for a secret.
 */
export function parseConfig(text: string, where: string): Loaded {
  const read = readYaml(text, where)
  return 'problems' in read ? { ok: false, problems: capped(read.problems) } : checked(read)
}

/** What `read` says, or everything that is wrong with it. */
export function checked({ document, lines, value }: YamlRead): Loaded {
  const parsed = v.safeParse(configSchema, value)
  const invalid = parsed.issues === undefined ? [] : findingsOf(parsed.issues)
  const rest = parsed.success ? parsed.output : salvage(value, invalid)
  const crossed = rest === undefined ? [] : crossChecks(rest, declaredIn(value, invalid))
  const findings = [...unknownKeys(configSchema, value), ...invalid, ...crossed]
  if (findings.length === 0 && parsed.success)
    return { ok: true, config: withAmbassadors(parsed.output) }
  const problems = findings
    .map((finding) => problemOf(finding, lineOf(document, lines, finding.path)))
    .toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0))
  return { ok: false, problems: capped(problems) }
}

/** Each provider has its ambassador, whether the file names the one or the other. */
function withAmbassadors(config: Config): Config {
  return { ...config, ambassadors: { ...config.providers, ...config.ambassadors } }
}

/** A document that is YAML, and what it says as plain values. */
export interface YamlRead {
  readonly document: Document
  readonly lines: LineCounter
  readonly value: unknown
}

type Yaml = YamlRead | { readonly problems: readonly Problem[] }

/** Reads one YAML document that is a map; `where` names the file in messages. */
export function readYaml(text: string, where: string): Yaml {
  const whole = (message: string): Yaml => ({ problems: [{ path: '', message }] })
  if (Buffer.byteLength(text) > configBytesMax) return whole(`${where} must be at most 1MiB`)
  const lines = new LineCounter()
  try {
    // Pretty errors quote the line they are about, and that line may hold a secret.
    const document = parseDocument(text.replace(/^\uFEFF/, ''), {
      lineCounter: lines,
      merge: true,
      prettyErrors: false,
    })
    const errors = [...document.errors, ...document.warnings].map((error) => {
      const { line, col } = lines.linePos(error.pos[0])
      const message = `${where}:${line}:${col} is not valid YAML: ${withoutSource(error.message)}`
      return { path: '', message, line }
    })
    // One slip makes a parser stumble many times; the first few say where.
    if (errors.length > 0) return { problems: errors.slice(0, syntaxErrorsMax) }
    const value: unknown = document.toJS({ maxAliasCount: aliasCountMax })
    if (value === null || value === undefined) return whole(`${where} is empty`)
    if (!isMap(value)) return whole(`${where} must be a map of keys`)
    return { document, lines, value }
  } catch (error) {
    // Too many aliases, an alias without anchor, or nesting deeper than the stack.
    const reason = error instanceof Error ? withoutSource(error.message) : 'unreadable'
    return whole(`${where} is not valid YAML: ${reason}`)
  }
}

/** The part before the colon: behind it the parser quotes the file, maybe a secret. */
function withoutSource(message: string): string {
  return /^[^\n:;]*/.exec(message)?.[0] ?? ''
}

/**
 * What is left without the entries that were refused, so that checks between keys report in the
 * same breath. An entry is the second level: one provider, one model, one key of a half.
 */
function salvage(value: unknown, invalid: readonly Finding[]): Config | undefined {
  if (!isMap(value)) return undefined
  const kept: Record<string, unknown> = { ...value }
  for (const { path } of invalid) {
    const [section = '', entry] = path
    const inside = kept[section]
    if (entry === undefined || !isMap(inside)) {
      delete kept[section]
    } else {
      const { [String(entry)]: _refused, ...others } = inside
      kept[section] = others
    }
  }
  const parsed = v.safeParse(configSchema, kept)
  return parsed.success ? parsed.output : undefined
}

function declaredIn(value: unknown, invalid: readonly Finding[]): Declared {
  const names = (section: string) => {
    const entries = isMap(value) ? value[section] : undefined
    return isMap(entries) ? Object.keys(entries) : []
  }
  return {
    models: names('models'),
    providers: [...names('providers'), ...names('ambassadors')],
    tenants: names('tenants'),
    refused: new Set(invalid.map(({ path }) => formatPath(path.slice(0, 2)))),
  }
}

function problemOf({ path, message, suggestion }: Finding, line: number | undefined): Problem {
  return {
    path: formatPath(path),
    message,
    ...(suggestion === undefined ? {} : { suggestion }),
    ...(line === undefined ? {} : { line }),
  }
}

/** The line of the deepest part of `path` that the file has; a missing key's is its parent's. */
function lineOf(document: Document, lines: LineCounter, path: KeyPath): number | undefined {
  let node: unknown = document.contents
  let offset: number | undefined
  for (const key of path) {
    if (isYamlMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === key)
      if (pair === undefined) break
      offset = (isScalar(pair.key) ? pair.key.range?.[0] : undefined) ?? offset
      node = pair.value
    } else if (isSeq(node) && typeof key === 'number') {
      const item: unknown = node.items[key]
      offset = (isYamlMap(item) || isScalar(item) ? item.range?.[0] : undefined) ?? offset
      node = item
    }
  }
  return offset === undefined ? undefined : lines.linePos(offset).line
}

function capped(problems: readonly Problem[]): readonly Problem[] {
  if (problems.length <= problemsMax) return problems
  const more = problems.length - problemsMax + 1
  return [...problems.slice(0, problemsMax - 1), { path: '', message: `and ${more} more problems` }]
}
