import type * as v from 'valibot'
import { nearest } from './nearest.ts'

/** One thing wrong with a configuration. Carries no value that could be a secret. */
export interface Problem {
  /** `providers.llama-pool.timeouts.idle`, `models["gpt-4.1"].targets[0]`; empty for the file. */
  readonly path: string
  /** What would be right: reads on from the path, without a period. */
  readonly message: string
  /** What was most likely meant, ready to be written instead. */
  readonly suggestion?: string
  /** Line in the file, from 1; absent where no line can be named. */
  readonly line?: number
}

export type Key = string | number
export type KeyPath = readonly Key[]

/** A problem whose path is still in pieces. */
export interface Finding {
  readonly path: KeyPath
  readonly message: string
  /** A function where it takes a search: only a few of many findings are shown. */
  readonly suggestion?: string | undefined | (() => string | undefined)
  /** Ends the message where there is no suggestion. */
  readonly otherwise?: string
}

/** Writes `path` as one would in a query: quoted where a name is not plain. */
export function formatPath(path: KeyPath): string {
  return path.reduce<string>((before, key) => {
    if (typeof key === 'number') return `${before}[${key}]`
    if (!/^[A-Za-z0-9_-]{1,64}$/.test(key)) return `${before}[${JSON.stringify(key.slice(0, 64))}]`
    return before === '' ? key : `${before}.${key}`
  }, '')
}

/** One line per problem, for a log or a terminal. */
export function describeProblems(problems: readonly Problem[]): string {
  return problems
    .map(({ path, message, suggestion, line }) => {
      const at = line === undefined ? '' : `line ${line}: `
      const hint = suggestion === undefined ? '' : `; did you mean ${JSON.stringify(suggestion)}?`
      return `${at}${path === '' ? message : `${path} ${message}`}${hint}`
    })
    .join('\n')
}

/**
 * What valibot found, in our words: its own texts repeat the value, which may be a secret put into
 * the wrong place. One finding per path, the first.
 */
export function findingsOf(issues: readonly v.BaseIssue<unknown>[]): Finding[] {
  const byPath = new Map<string, Finding>()
  for (const issue of issues) {
    const path = (issue.path ?? []).map(({ key }) => (typeof key === 'number' ? key : String(key)))
    const name = formatPath(path)
    if (!byPath.has(name)) byPath.set(name, { path, ...wordsOf(issue) })
  }
  return [...byPath.values()]
}

function wordsOf(issue: v.BaseIssue<unknown>): { message: string; suggestion?: string } {
  if (issue.input === undefined) return { message: 'is required' }
  if (issue.input === null) return { message: 'has no value: write one or remove the key' }
  if (issue.type === 'variant' && issue.path?.at(-1)?.key !== 'kind') {
    return { message: 'must be a map of keys with a kind' }
  }
  if (issue.message.startsWith('Invalid ')) {
    return { message: `must be ${typeWords.get(issue.expected ?? '') ?? 'something else'}` }
  }
  const [message = '', suggestion] = issue.message.split('\n')
  return suggestion === undefined ? { message } : { message, suggestion }
}

const typeWords: ReadonlyMap<string, string> = new Map([
  ['Object', 'a map of keys'],
  ['Array', 'a list'],
  ['string', 'a text'],
  ['number', 'a number'],
  ['boolean', 'true or false'],
])

/** Names that would reach into every object; valibot skips them without a word. */
const reservedNames: ReadonlySet<string> = new Set(['__proto__', 'prototype', 'constructor'])

/** Every key of `value`, at every depth, that `schema` does not know. */
export function unknownKeys(schema: unknown, value: unknown, path: KeyPath = []): Finding[] {
  if (Array.isArray(value)) {
    const item = memberOf(branchOf(schema, value), 'item')
    return value.flatMap((entry: unknown, at) => unknownKeys(item, entry, [...path, at]))
  }
  if (!isMap(value)) return []
  const branch = branchOf(schema, value)
  const entries = memberOf(branch, 'entries')
  const known = isMap(entries) ? entries : {}
  const shared = memberOf(branch, 'value') ?? memberOf(branch, 'rest')
  if (!isMap(entries) && shared === undefined) return []
  return Object.entries(value).flatMap(([key, entry]) => {
    const at = [...path, key]
    if (Object.hasOwn(known, key)) return unknownKeys(known[key], entry, at)
    if (shared === undefined) return [unknownKey({ schema, entries: known, path: at, key })]
    if (reservedNames.has(key)) return [{ path: at, message: 'cannot be used as a name' }]
    return unknownKeys(shared, entry, at)
  })
}

interface Unknown {
  readonly schema: unknown
  readonly entries: object
  readonly path: KeyPath
  readonly key: string
}

function unknownKey({ schema, entries, path, key }: Unknown): Finding {
  const known = Object.keys(entries)
  const siblings = optionsOf(unwrapped(schema)).map((option) => memberOf(option, 'entries'))
  if (siblings.some((sibling) => isMap(sibling) && Object.hasOwn(sibling, key))) {
    return { path, message: `is not used by this kind; its keys are ${known.join(', ')}` }
  }
  return {
    path,
    message: 'is not a known key',
    suggestion: () => nearest(key, known),
    otherwise: `; known here: ${known.join(', ')}`,
  }
}

/** The schema that decides about `value`: through defaults, into the fitting branch of a union. */
function branchOf(schema: unknown, value: object): unknown {
  const plain = unwrapped(schema)
  const options = optionsOf(plain)
  if (options.length === 0) return plain
  const discriminator = memberOf(plain, 'key')
  if (typeof discriminator !== 'string') {
    const member = Array.isArray(value) ? 'item' : 'entries'
    return options.find((option) => memberOf(option, member) !== undefined)
  }
  const written = memberOf(value, discriminator)
  return options.find(
    (option) =>
      memberOf(memberOf(memberOf(option, 'entries'), discriminator), 'literal') === written,
  )
}

function unwrapped(schema: unknown): unknown {
  const inner = memberOf(schema, 'wrapped')
  return inner === undefined ? schema : unwrapped(inner)
}

function optionsOf(schema: unknown): readonly unknown[] {
  const options = memberOf(schema, 'options')
  return Array.isArray(options) ? options : []
}

function memberOf(value: unknown, name: string): unknown {
  return isMap(value) && Object.hasOwn(value, name) ? value[name] : undefined
}

/** An object that is not a list. */
export function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
