import { styleText } from 'node:util'
import { isMap as isRecord } from '#shared/config/problems.ts'

/** How lines are shown. */
export interface LineStyle {
  /** Words for a person; JSON lines otherwise. */
  readonly isTerminal: boolean
  readonly hasColour: boolean
  readonly isVerbose: boolean
}

/** One log line of a child, read. */
export type Entry = Readonly<Record<string, unknown>>
type Colour = Parameters<typeof styleText>[0]

/** The entry in `line`; undefined where it is no JSON object. */
export function readEntry(line: string): Entry | undefined {
  if (!line.startsWith('{')) return undefined
  try {
    const entry: unknown = JSON.parse(line)
    return isRecord(entry) ? entry : undefined
  } catch {
    // Any text may begin with a brace.
    return undefined
  }
}

const grave: ReadonlySet<unknown> = new Set(['warn', 'error', 'fatal'])

/**
 * What to show for a line of the child `name`, with its line feed; empty for nothing. Unless
 * verbose, that is warnings, errors, words that are no log line, and the sidecar's calls.
 */
export function showLine(name: string, line: string, style: LineStyle): string {
  const entry = readEntry(line)
  if (entry === undefined) return showText(name, line, style)
  const isCall = entry['msg'] === 'call' && name === 'sidecar'
  if (!style.isVerbose && !isCall && !grave.has(entry['level'])) return ''
  if (!style.isTerminal) return `{"child":${JSON.stringify(name)},${line.slice(1)}\n`
  return `${prefixOf(name, style)} ${wordsOf(entry, style)}\n`
}

/** A line of the launcher itself. */
export function showOwn(level: 'info' | 'warn' | 'error', text: string, style: LineStyle): string {
  if (!style.isTerminal) return `${JSON.stringify({ child: 'local', level, msg: text })}\n`
  return `${prefixOf('local', style)} ${painted(colours.get(level) ?? 'reset', text, style)}\n`
}

function showText(name: string, line: string, style: LineStyle): string {
  if (line.trim() === '') return ''
  if (!style.isTerminal) return `${JSON.stringify({ child: name, level: 'warn', msg: line })}\n`
  return `${prefixOf(name, style)} ${line}\n`
}

const colours: ReadonlyMap<unknown, Colour> = new Map<unknown, Colour>([
  ['warn', 'yellow'],
  ['error', 'red'],
  ['fatal', 'red'],
])
const prefixWidth = 10

function prefixOf(name: string, style: LineStyle): string {
  const colour = name === 'sidecar' ? 'cyan' : name === 'local' ? 'bold' : 'magenta'
  return painted(colour, name.padEnd(prefixWidth), style)
}

function painted(colour: Colour, text: string, { hasColour }: LineStyle): string {
  return hasColour ? styleText(colour, text, { validateStream: false }) : text
}

function wordsOf(entry: Entry, style: LineStyle): string {
  if (entry['msg'] === 'call') return callWords(entry, style)
  if (entry['msg'] === 'breaker') return painted('yellow', breakerWords(entry), style)
  const { level, msg, time: _time, half: _half, ...facts } = entry
  const shown = Object.entries(facts).map(([key, value]) => `${key}=${JSON.stringify(value)}`)
  return painted(colours.get(level) ?? 'reset', [msg, ...shown].join(' '), style)
}

/** Of an ambassador: `breaker of main for gpt-5: closed → open (in-a-row, last: status-500)`. */
function breakerWords(entry: Entry): string {
  const of = wordOf(entry, 'credential') === '' ? '' : ` of ${wordOf(entry, 'credential')}`
  const last = wordOf(entry, 'last') === '' ? '' : `, last: ${wordOf(entry, 'last')}`
  const change = `${wordOf(entry, 'from')} → ${wordOf(entry, 'to')}`
  return `breaker${of} for ${wordOf(entry, 'model')}: ${change} (${wordOf(entry, 'cause')}${last})`
}

/** A fact of the line; empty where it has none of that name. */
function wordOf(entry: Entry, key: string): string {
  const value = entry[key]
  return typeof value === 'string' || typeof value === 'number' ? String(value) : ''
}

/** `200 POST-path model → provider, 10 in 5 out, 90 ms`. */
function callWords(entry: Entry, style: LineStyle): string {
  const word = (key: string) => wordOf(entry, key)
  const to = word('provider') === '' ? '' : ` → ${word('provider')}`
  const failure = word('error') === '' ? '' : ` ${word('error')}`
  const passed = word('passedOver') === '' ? '' : ` (passed over ${word('passedOver')})`
  const text =
    `${word('status')} ${word('surface')} ${word('modelAsked')}${to} ` +
    `${word('inputTokens') || '0'} in ${word('outputTokens') || '0'} out ${word('durationMs')} ms${passed}${failure}`
  return painted(failure === '' ? 'green' : 'yellow', text, style)
}
