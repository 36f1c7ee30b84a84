import * as v from 'valibot'
import { crossChecks, type Declared } from './cross-checks.ts'
import { LineFinder } from './line-finder.ts'
import {
  type Finding,
  findingsOf,
  formatPath,
  isMap,
  type Problem,
  unknownKeys,
} from './problems.ts'
import { readYaml, type YamlRead } from './read-yaml.ts'
import { type Config, configSchema } from './schema.ts'

export { describeProblems, type Problem } from './problems.ts'

export type Loaded =
  | { readonly ok: true; readonly config: Config }
  | { readonly ok: false; readonly problems: readonly Problem[] }

/** A log line and a person's patience both end about there. */
const problemsMax = 50

/**
 * Parses one YAML document whole. `where` names the file in messages. Not ok: 1 to 50 problems in
 * the order of the file, all at once, none of which repeats a value given for a secret.
 */
export function parseConfig(text: string, where: string): Loaded {
  const read = readYaml(text, where)
  return 'problems' in read ? { ok: false, problems: read.problems } : checked(read)
}

/** What `read` says, or everything that is wrong with it. */
export function checked(read: YamlRead): Loaded {
  const { value } = read
  const parsed = v.safeParse(configSchema, value)
  const invalid = parsed.issues === undefined ? [] : findingsOf(parsed.issues)
  const rest = parsed.success ? parsed.output : salvage(value, invalid)
  const crossed = rest === undefined ? [] : crossChecks(rest, declaredIn(value, invalid))
  const findings = [...unknownKeys(configSchema, value), ...invalid, ...crossed]
  if (findings.length === 0 && parsed.success)
    return { ok: true, config: withAmbassadors(parsed.output) }
  return { ok: false, problems: listed(findings, new LineFinder(read)) }
}

/** Each provider has its ambassador, whether the file names the one or the other. */
function withAmbassadors(config: Config): Config {
  return { ...config, ambassadors: { ...config.providers, ...config.ambassadors } }
}

/**
 * What is left without the entries that were refused, so that checks between keys report in the
 * same breath. An entry is the second level: one provider, one model, one key of a half.
 */
function salvage(value: unknown, invalid: readonly Finding[]): Config | undefined {
  if (!isMap(value)) return undefined
  const kept: Record<string, unknown> = { ...value }
  const copied = new Map<string | number, Record<string, unknown>>()
  for (const { path } of invalid) {
    const [section = '', entry] = path
    const inside = value[section]
    if (entry === undefined || !isMap(inside)) {
      delete kept[section]
      continue
    }
    // One copy per section: a copy for each of many bad entries would take minutes.
    const others = copied.get(section) ?? { ...inside }
    copied.set(section, others)
    delete others[String(entry)]
    if (section in kept) kept[section] = others
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

function problemOf(finding: Finding, line: number | undefined): Problem {
  const suggestion =
    typeof finding.suggestion === 'function' ? finding.suggestion() : finding.suggestion
  const { otherwise = '' } = finding
  return {
    path: formatPath(finding.path),
    message: suggestion === undefined ? finding.message + otherwise : finding.message,
    ...(suggestion === undefined ? {} : { suggestion }),
    ...(line === undefined ? {} : { line }),
  }
}

/** The first of `findings` in the order of the file, and how many more there are. */
function listed(findings: readonly Finding[], lines: LineFinder): readonly Problem[] {
  const located = findings
    .map((finding) => ({ finding, line: lines.lineOf(finding.path) }))
    .toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0))
  const isWhole = located.length <= problemsMax
  const shown = (isWhole ? located : located.slice(0, problemsMax - 1)).map(({ finding, line }) =>
    problemOf(finding, line),
  )
  const more = located.length - shown.length
  return more === 0 ? shown : [...shown, { path: '', message: `and ${more} more problems` }]
}
